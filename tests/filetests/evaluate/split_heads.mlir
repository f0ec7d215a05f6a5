// %a = 1 2 3 4 5 6 7 8
func.func @main(%a: tensor<1x2x4xf32> {venc.name = "a"}) -> tensor<1x2x2x2xf32> {
  %y = "venc.split_heads"(%a) {heads = 2} : (tensor<1x2x4xf32>) -> tensor<1x2x2x2xf32>
  func.return %y : tensor<1x2x2x2xf32>
}
