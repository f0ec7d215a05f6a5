// opt --rule attention
func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x3x8xf32> {
  %0 = "venc.split_heads"(%q) {heads = 2} : (tensor<2x3x8xf32>) -> tensor<2x2x3x4xf32>
  %1 = "venc.split_heads"(%k) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %2 = "venc.matmul"(%0, %1) {transpose_rhs = true} : (tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32>
  %3 = "venc.scale"(%2) {factor = 0.5 : f64} : (tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32>
  %4 = "venc.softmax"(%3) : (tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32>
  %5 = "venc.split_heads"(%v) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.matmul"(%4, %5) {transpose_rhs = false} : (tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32>
  %7 = "venc.merge_heads"(%6) : (tensor<2x2x3x4xf32>) -> tensor<2x3x8xf32>
  func.return %7 : tensor<2x3x8xf32>
}
