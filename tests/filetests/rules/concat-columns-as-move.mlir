// opt --rule concat-columns-as-move
func.func @main(%list0: tensor<2x4x8xf32>, %list1: tensor<2x4x32xf32>) -> tensor<2x4x40xf32> {
  %0 = "venc.concat"(%list0, %list1) {axis = 2} : (tensor<2x4x8xf32>, tensor<2x4x32xf32>) -> tensor<2x4x40xf32>
  func.return %0 : tensor<2x4x40xf32>
}
