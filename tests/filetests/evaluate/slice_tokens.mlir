// %a = 1 2 3 4 5 6
func.func @main(%a: tensor<1x3x2xf32> {venc.name = "a"}) -> tensor<1x2x2xf32> {
  %y = "venc.slice_tokens"(%a) {start = 1, length = "2"} : (tensor<1x3x2xf32>) -> tensor<1x2x2xf32>
  func.return %y : tensor<1x2x2xf32>
}
