// opt --rule add-broadcast-images
func.func @main(%x: tensor<2x4x8xf32>, %t: tensor<1x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.broadcast_images"(%t) : (tensor<1x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%x, %0) : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
