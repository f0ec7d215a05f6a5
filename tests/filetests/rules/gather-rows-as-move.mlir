// opt --rule gather-rows-as-move
func.func @main(%x: tensor<2x4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %0 = "venc.gather_rows"(%x, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  func.return %0 : tensor<2x3x8xf32>
}
