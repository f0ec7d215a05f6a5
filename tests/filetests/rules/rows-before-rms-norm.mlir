// opt --rule rows-before-rms-norm
func.func @main(%x: tensor<2x4x8xf32>, %weight: tensor<8xf32> {venc.weight}, %index: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %0 = "venc.rms_norm"(%x, %weight) {eps = 1.0e-6 : f64} : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  func.return %1 : tensor<2x3x8xf32>
}
