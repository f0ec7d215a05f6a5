// opt --rule cast-to-itself
func.func @main(%x: tensor<2x4x8xbf16>) -> tensor<2x4x8xf32> {
  %y = "venc.cast"(%x) : (tensor<2x4x8xbf16>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
