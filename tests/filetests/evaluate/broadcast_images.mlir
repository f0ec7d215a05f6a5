// %a = 1 2
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}) -> tensor<3x2xf32> {
  %y = "venc.broadcast_images"(%a) : (tensor<1x2xf32>) -> tensor<3x2xf32>
  func.return %y : tensor<3x2xf32>
}
