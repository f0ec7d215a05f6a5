// %a = 1 2 5 6 3 4 7 8
func.func @main(%a: tensor<1x2x2x2xf32> {venc.name = "a"}) -> tensor<1x2x4xf32> {
  %y = "venc.merge_heads"(%a) : (tensor<1x2x2x2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}
