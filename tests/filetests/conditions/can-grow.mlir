// opt --rule scale-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xbf16> {
  %0 = "venc.cast"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xbf16>
  %y = "venc.scale"(%0) {factor = 0.5 : f64} : (tensor<2x4x8xbf16>) -> tensor<2x4x8xbf16>
  func.return %y : tensor<2x4x8xbf16>
}
