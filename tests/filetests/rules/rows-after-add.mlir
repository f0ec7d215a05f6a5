// opt --rule rows-after-add
func.func @main(%a: tensor<2x4x8xf32>, %b: tensor<2x4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %0 = "venc.gather_rows"(%a, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  %1 = "venc.gather_rows"(%b, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  %2 = "venc.add"(%0, %1) : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  func.return %2 : tensor<2x3x8xf32>
}
