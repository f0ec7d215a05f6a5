// %a = 1 2 3 4 5 6 7 8
func.func @main(%a: tensor<2x4xf32> {venc.name = "a"}) -> tensor<2x2xf32> {
  %y = "venc.slice_columns"(%a) {start = 1, length = 2} : (tensor<2x4xf32>) -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}
