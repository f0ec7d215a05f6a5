// opt --rule rms-norm-into-weight
func.func @main(%x: tensor<2x4x8xbf16>, %weight: tensor<8xbf16> {venc.weight}, %w: tensor<8x8xbf16> {venc.weight}) -> tensor<2x4x8xbf16> {
  %0 = "venc.rms_norm"(%x, %weight) {eps = 1.0e-6 : f64} : (tensor<2x4x8xbf16>, tensor<8xbf16>) -> tensor<2x4x8xbf16>
  %y = "venc.linear"(%0, %w) : (tensor<2x4x8xbf16>, tensor<8x8xbf16>) -> tensor<2x4x8xbf16>
  func.return %y : tensor<2x4x8xbf16>
}
