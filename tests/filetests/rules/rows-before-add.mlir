// opt --rule rows-before-add
func.func @main(%a: tensor<2x4x8xf32>, %b: tensor<2x4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %0 = "venc.add"(%a, %b) : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  func.return %1 : tensor<2x3x8xf32>
}
