// opt --rule cast-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x4x16xbf16> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.cast"(%0) : (tensor<2x4x16xf32>) -> tensor<2x4x16xbf16>
  func.return %1 : tensor<2x4x16xbf16>
}
