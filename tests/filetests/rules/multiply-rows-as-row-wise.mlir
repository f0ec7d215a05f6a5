// opt --rule multiply-rows-as-row-wise
func.func @main(%a: tensor<2x4x9xf32>, %b: tensor<2x4x1xf32>) -> tensor<2x4x9xf32> {
  %0 = "venc.multiply"(%a, %b) : (tensor<2x4x9xf32>, tensor<2x4x1xf32>) -> tensor<2x4x9xf32>
  func.return %0 : tensor<2x4x9xf32>
}
