// opt --rule attention-with-scaled-queries
func.func @main(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.scale"(%q) {factor = 0.5 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.split_heads"(%0) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %2 = "venc.split_heads"(%k) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %3 = "venc.split_heads"(%v) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %4 = "venc.matmul"(%1, %2) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.scale"(%4) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.softmax"(%5) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.matmul"(%6, %3) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.merge_heads"(%7) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %8 : tensor<2x4x8xf32>
}
