// e to the power of ln 3 is 3: a quarter and three.
// %a = 0 0 0 1.0986123
func.func @main(%a: tensor<2x2xf32> {venc.name = "a"}) -> tensor<2x2xf32> {
  %y = "venc.softmax"(%a) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}
// -----
// Large numbers do not overflow.
// %a = 1000 0
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}) -> tensor<1x2xf32> {
  %y = "venc.softmax"(%a) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}
