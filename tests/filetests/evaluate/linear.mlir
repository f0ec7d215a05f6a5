// A row of the weight for each output.
// %a = 1 10
// %b = 1 0 0 1 2 3
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}, %b: tensor<3x2xf32> {venc.name = "b"}) -> tensor<1x3xf32> {
  %y = "venc.linear"(%a, %b) : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  func.return %y : tensor<1x3xf32>
}
