// %a = 1 2 3 4 5 6
// %b = 10 0 -1
func.func @main(%a: tensor<2x3xf32> {venc.name = "a"}, %b: tensor<3xf32> {venc.name = "b"}) -> tensor<2x3xf32> {
  %y = "venc.multiply"(%a, %b) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
