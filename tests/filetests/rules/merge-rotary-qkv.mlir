// opt --rule merge-rotary-qkv
func.func @main(%x: tensor<2x4x8xf32>, %wq: tensor<16x8xf32> {venc.weight}, %wk: tensor<16x8xf32> {venc.weight}, %wv: tensor<16x8xf32> {venc.weight}, %cos: tensor<4x8xf32>, %sin: tensor<4x8xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %wq) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.rope"(%0, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  %2 = "venc.linear"(%x, %wk) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %3 = "venc.rope"(%2, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  %4 = "venc.linear"(%x, %wv) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %5 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %6 = "venc.split_heads"(%3) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %7 = "venc.split_heads"(%4) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %8 = "venc.matmul"(%5, %6) {transpose_rhs = true} : (tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %9 = "venc.scale"(%8) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %10 = "venc.softmax"(%9) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %11 = "venc.matmul"(%10, %7) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x8xf32>
  %12 = "venc.merge_heads"(%11) : (tensor<2x2x4x8xf32>) -> tensor<2x4x16xf32>
  func.return %12 : tensor<2x4x16xf32>
}
