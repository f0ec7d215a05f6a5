// opt --rule cast-to-itself
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.cast"(%x) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
