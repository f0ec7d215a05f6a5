// opt --rule rows-before-rope
func.func @main(%x: tensor<2x4x16xf32>, %cos: tensor<4x8xf32>, %sin: tensor<4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x16xf32> {
  %0 = "venc.rope"(%x, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x16xf32>, tensor<3xi32>) -> tensor<2x3x16xf32>
  func.return %1 : tensor<2x3x16xf32>
}
