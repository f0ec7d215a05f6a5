// %a = 1 2 3 4 5 6 7 8
func.func @main(%a: tensor<1x1x2x4xf32> {venc.name = "a"}) -> tensor<1x2x4xf32> {
  %y = "venc.patchify"(%a) {height = 2, width = 2, rows = "1", cols = "2"} : (tensor<1x1x2x4xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}
