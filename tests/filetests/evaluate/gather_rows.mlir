// %a = 1 2 3 4 5 6
// %b = 2 0 0 1
func.func @main(%a: tensor<3x2xf32> {venc.name = "a"}, %b: tensor<4xi32> {venc.name = "b"}) -> tensor<4x2xf32> {
  %y = "venc.gather_rows"(%a, %b) : (tensor<3x2xf32>, tensor<4xi32>) -> tensor<4x2xf32>
  func.return %y : tensor<4x2xf32>
}
