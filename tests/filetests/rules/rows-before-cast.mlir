// opt --rule rows-before-cast
func.func @main(%x: tensor<2x4x8xf32>, %index: tensor<3xi32>) -> tensor<2x3x8xbf16> {
  %0 = "venc.cast"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
  %1 = "venc.gather_rows"(%0, %index) : (tensor<2x4x8xbf16>, tensor<3xi32>) -> tensor<2x3x8xbf16>
  func.return %1 : tensor<2x3x8xbf16>
}
