// %a = 1 -2 0.5
func.func @main(%a: tensor<3xf32> {venc.name = "a"}) -> tensor<3xf32> {
  %y = "venc.scale"(%a) {factor = -2.0 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}
