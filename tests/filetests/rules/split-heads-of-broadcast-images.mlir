// opt --rule split-heads-of-broadcast-images
func.func @main(%x: tensor<1x4x8xf32>) -> tensor<2x2x4x4xf32> {
  %0 = "venc.split_heads"(%x) {heads = 2} : (tensor<1x4x8xf32>) -> tensor<1x2x4x4xf32>
  %1 = "venc.broadcast_images"(%0) : (tensor<1x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  func.return %1 : tensor<2x2x4x4xf32>
}
