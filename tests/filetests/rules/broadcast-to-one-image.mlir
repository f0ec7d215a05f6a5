// opt --rule broadcast-to-one-image
func.func @main(%x: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  func.return %0 : tensor<1x4x8xf32>
}
