// Less the mean of the row.
// %a = 1 2 3 10 10 40
func.func @main(%a: tensor<2x3xf32> {venc.name = "a"}) -> tensor<2x3xf32> {
  %y = "venc.center"(%a) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
