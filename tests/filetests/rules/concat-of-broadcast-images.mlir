// opt --rule concat-of-broadcast-images
func.func @main(%x: tensor<1x2x8xf32> {venc.weight}, %y: tensor<1x4x8xf32> {venc.weight}, %z: tensor<2x6x8xf32>, %rest0: tensor<2x6x8xf32>) -> tensor<2x18x8xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x2x8xf32>) -> tensor<2x2x8xf32>
  %1 = "venc.broadcast_images"(%y) : (tensor<1x4x8xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.concat"(%0, %1, %z, %rest0) {axis = 1} : (tensor<2x2x8xf32>, tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x18x8xf32>
  func.return %2 : tensor<2x18x8xf32>
}
