// opt --rule cast-into-prologue
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x16xbf16> {
  %0 = "venc.cast"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
  %1 = "venc.weight"() {name = "weight"} : () -> tensor<16x8xbf16>
  %2 = "venc.linear"(%0, %1) : (tensor<2x4x8xbf16>, tensor<16x8xbf16>) -> tensor<2x4x16xbf16>
  func.return %2 : tensor<2x4x16xbf16>
}
