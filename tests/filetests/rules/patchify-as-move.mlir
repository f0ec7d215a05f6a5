// opt --rule patchify-as-move
func.func @main(%x: tensor<2x3x7x15xf32>) -> tensor<2x15x18xf32> {
  %0 = "venc.patchify"(%x) {height = 2, width = 3, rows = "3", cols = "5"} : (tensor<2x3x7x15xf32>) -> tensor<2x15x18xf32>
  func.return %0 : tensor<2x15x18xf32>
}
