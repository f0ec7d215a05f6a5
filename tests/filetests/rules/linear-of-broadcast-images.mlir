// opt --rule linear-of-broadcast-images
func.func @main(%x: tensor<1x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.broadcast_images"(%x) : (tensor<1x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.linear"(%0, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
