// opt --rule broadcast-images-into-address
func.func @main(%x: tensor<1x2x8xf32>, %z: tensor<2x4x8xf32>) -> tensor<2x6x8xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x2x8xf32>) -> tensor<2x2x8xf32>
  %1 = "venc.concat"(%0, %z) {axis = 1} : (tensor<2x2x8xf32>, tensor<2x4x8xf32>) -> tensor<2x6x8xf32>
  func.return %1 : tensor<2x6x8xf32>
}
