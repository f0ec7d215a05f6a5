// opt --rule rope-of-scaled
func.func @main(%x: tensor<2x4x16xf32>, %cos: tensor<4x8xf32>, %sin: tensor<4x8xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.rope"(%0, %cos, %sin) {heads = 2} : (tensor<2x4x16xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
