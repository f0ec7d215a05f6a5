// opt --rule patchify-into-address
func.func @main(%x: tensor<2x3x7x15xf32>) -> tensor<2x15x16xf32> {
  %0 = "venc.patchify"(%x) {height = 2, width = 3, rows = "3", cols = "5"} : (tensor<2x3x7x15xf32>) -> tensor<2x15x18xf32>
  %1 = "venc.weight"() {name = "weight"} : () -> tensor<16x18xf32>
  %2 = "venc.linear"(%0, %1) : (tensor<2x15x18xf32>, tensor<16x18xf32>) -> tensor<2x15x16xf32>
  func.return %2 : tensor<2x15x16xf32>
}
