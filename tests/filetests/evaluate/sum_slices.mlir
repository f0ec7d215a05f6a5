// %a = 1 2 10 20
func.func @main(%a: tensor<2x1x2xf32> {venc.name = "a"}) -> tensor<1x2xf32> {
  %y = "venc.sum_slices"(%a) : (tensor<2x1x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}
