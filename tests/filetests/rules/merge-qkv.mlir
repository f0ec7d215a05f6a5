// opt --rule merge-qkv
func.func @main(%x: tensor<2x4x8xf32>, %wq: tensor<8x8xf32> {venc.weight}, %wk: tensor<8x8xf32> {venc.weight}, %wv: tensor<8x8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %wq) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.linear"(%x, %wk) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.linear"(%x, %wv) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %3 = "venc.split_heads"(%0) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %4 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.split_heads"(%2) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.matmul"(%3, %4) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.scale"(%6) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.softmax"(%7) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %9 = "venc.matmul"(%8, %5) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %10 = "venc.merge_heads"(%9) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %10 : tensor<2x4x8xf32>
}
