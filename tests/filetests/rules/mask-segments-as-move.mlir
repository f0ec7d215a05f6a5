// opt --rule mask-segments-as-move
func.func @main(%scores: tensor<2x2x4x4xf32>, %segments: tensor<2x4xi32>) -> tensor<2x2x4x4xf32> {
  %0 = "venc.mask_segments"(%scores, %segments) : (tensor<2x2x4x4xf32>, tensor<2x4xi32>) -> tensor<2x2x4x4xf32>
  func.return %0 : tensor<2x2x4x4xf32>
}
