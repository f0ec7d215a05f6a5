// opt --rule concat-columns-as-move
func.func @main(%a: tensor<2x4x8xf32>, %b: tensor<2x4x8xf32>) -> tensor<2x8x8xf32> {
  %y = "venc.concat"(%a, %b) {axis = 1} : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x8x8xf32>
  func.return %y : tensor<2x8x8xf32>
}
