// opt --rule cast-as-row-wise
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xbf16> {
  %0 = "venc.cast"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
  func.return %0 : tensor<2x4x8xbf16>
}
