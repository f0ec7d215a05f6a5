// opt --rule layer-norm-behind-linear --assume centered-rows
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.layer_norm"(%x) {eps = 1.0e-6 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.linear"(%0, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
