// %a = 1 2
// %b = 3 4 5 6
func.func @main(%a: tensor<2x1xf32> {venc.name = "a"}, %b: tensor<2x2xf32> {venc.name = "b"}) -> tensor<2x3xf32> {
  %y = "venc.concat"(%a, %b) {axis = 1} : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
// -----
// %a = 1 2
// %b = 3 4 5 6
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}, %b: tensor<2x2xf32> {venc.name = "b"}) -> tensor<3x2xf32> {
  %y = "venc.concat"(%a, %b) {axis = 0} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}
