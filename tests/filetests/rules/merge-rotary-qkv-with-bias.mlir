// opt --rule merge-rotary-qkv-with-bias
func.func @main(%x: tensor<2x4x8xf32>, %wq: tensor<16x8xf32> {venc.weight}, %wk: tensor<16x8xf32> {venc.weight}, %wv: tensor<16x8xf32> {venc.weight}, %bq: tensor<16xf32> {venc.weight}, %bk: tensor<16xf32> {venc.weight}, %bv: tensor<16xf32> {venc.weight}, %cos: tensor<4x8xf32>, %sin: tensor<4x8xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %wq) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.add"(%0, %bq) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %2 = "venc.rope"(%1, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  %3 = "venc.linear"(%x, %wk) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %4 = "venc.add"(%3, %bk) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %5 = "venc.rope"(%4, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  %6 = "venc.linear"(%x, %wv) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %7 = "venc.add"(%6, %bv) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %8 = "venc.split_heads"(%2) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %9 = "venc.split_heads"(%5) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %10 = "venc.split_heads"(%7) {heads = 2} : (tensor<2x4x16xf32>) -> tensor<2x2x4x8xf32>
  %11 = "venc.matmul"(%8, %9) {transpose_rhs = true} : (tensor<2x2x4x8xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %12 = "venc.scale"(%11) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %13 = "venc.softmax"(%12) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %14 = "venc.matmul"(%13, %10) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x8xf32>
  %15 = "venc.merge_heads"(%14) : (tensor<2x2x4x8xf32>) -> tensor<2x4x16xf32>
  func.return %15 : tensor<2x4x16xf32>
}
