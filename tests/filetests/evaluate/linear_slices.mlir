// 21 from the first half, 4300 from the second.
// %a = 1 10 100 1000
// %b = 1 2 3 4
func.func @main(%a: tensor<1x4xf32> {venc.name = "a"}, %b: tensor<1x4xf32> {venc.name = "b"}) -> tensor<2x1x1xf32> {
  %y = "venc.linear_slices"(%a, %b) {slices = 2} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<2x1x1xf32>
  func.return %y : tensor<2x1x1xf32>
}
