// What the permutation moved is moved back.
// %a = 10 20 30
// %b = 2 0 1
func.func @main(%a: tensor<3x1xf32> {venc.name = "a"}, %b: tensor<3xi32> {venc.name = "b"}) -> tensor<3x1xf32> {
  %moved = "venc.gather_rows"(%a, %b) : (tensor<3x1xf32>, tensor<3xi32>) -> tensor<3x1xf32>
  %back = "venc.inverse_permutation"(%b) : (tensor<3xi32>) -> tensor<3xi32>
  %y = "venc.gather_rows"(%moved, %back) : (tensor<3x1xf32>, tensor<3xi32>) -> tensor<3x1xf32>
  func.return %y : tensor<3x1xf32>
}
