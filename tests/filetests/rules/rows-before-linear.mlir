// opt --rule rows-before-linear
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}, %index: tensor<3xi32>) -> tensor<2x3x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x16xf32>, tensor<3xi32>) -> tensor<2x3x16xf32>
  func.return %1 : tensor<2x3x16xf32>
}
