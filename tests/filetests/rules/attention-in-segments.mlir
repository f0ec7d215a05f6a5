// opt --rule attention-in-segments
func.func @main(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %segments: tensor<2x4xi32>) -> tensor<2x4x8xf32> {
  %0 = "venc.split_heads"(%q) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %1 = "venc.split_heads"(%k) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %2 = "venc.matmul"(%0, %1) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %3 = "venc.scale"(%2) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %4 = "venc.mask_segments"(%3, %segments) : (tensor<2x2x4x4xf32>, tensor<2x4xi32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.softmax"(%4) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.split_heads"(%v) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.matmul"(%5, %6) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.merge_heads"(%7) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %8 : tensor<2x4x8xf32>
}
