// opt --rule linear-of-broadcast-images
func.func @main(%x: tensor<1x8xf32>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<2x8xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x8xf32>) -> tensor<2x8xf32>
  %y = "venc.linear"(%0, %w) : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
