// %a = -3 0.5 2
func.func @main(%a: tensor<3xf32> {venc.name = "a"}) -> tensor<3xf32> {
  %y = "venc.clamp"(%a) {min = -1.0 : f64, max = 1.0 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}
