// opt --rule concat-tokens-as-move
func.func @main(%list0: tensor<2x4x8xf32>, %list1: tensor<2x6x8xf32>, %list2: tensor<2x1x8xf32>) -> tensor<2x11x8xf32> {
  %0 = "venc.concat"(%list0, %list1, %list2) {axis = 1} : (tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x1x8xf32>) -> tensor<2x11x8xf32>
  func.return %0 : tensor<2x11x8xf32>
}
