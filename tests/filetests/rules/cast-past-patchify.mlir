// opt --rule cast-past-patchify
func.func @main(%x: tensor<2x3x6x9xf32>) -> tensor<2x9x18xbf16> {
  %0 = "venc.cast"(%x) : (tensor<2x3x6x9xf32>) -> tensor<2x3x6x9xbf16>
  %1 = "venc.patchify"(%0) {height = 2, width = 3, rows = "3", cols = "3"} : (tensor<2x3x6x9xbf16>) -> tensor<2x9x18xbf16>
  func.return %1 : tensor<2x9x18xbf16>
}
