// opt --rule add-to-broadcast-images
func.func @main(%x: tensor<1x4x8xf32>, %b: tensor<8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%0, %b) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
