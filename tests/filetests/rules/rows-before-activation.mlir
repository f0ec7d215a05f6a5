// opt --rule rows-before-activation
func.func @main(%x: tensor<2x4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %0 = "venc.gelu"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  func.return %1 : tensor<2x3x8xf32>
}
