// %a = 1 2 3 4 5 6
func.func @main(%a: tensor<2x3xf32> {venc.name = "a"}) -> tensor<3x2xf32> {
  %y = "venc.reshape"(%a) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}
