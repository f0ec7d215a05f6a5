// opt --rule select-token-before-add
func.func @main(%a: tensor<2x6x8xf32>, %b: tensor<2x6x8xf32>) -> tensor<2x8xf32> {
  %0 = "venc.add"(%a, %b) : (tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %1 = "venc.select_token"(%0) {index = 1} : (tensor<2x6x8xf32>) -> tensor<2x8xf32>
  func.return %1 : tensor<2x8xf32>
}
