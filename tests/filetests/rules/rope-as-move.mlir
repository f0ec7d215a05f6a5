// opt --rule rope-as-move
func.func @main(%x: tensor<2x4x16xf32>, %cos: tensor<4x8xf32>, %sin: tensor<4x8xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.rope"(%x, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  func.return %0 : tensor<2x4x16xf32>
}
