// opt --rule layer-norm-behind-linear
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.layer_norm"(%x) {eps = 1.0e-6 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %y = "venc.linear"(%0, %w) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
