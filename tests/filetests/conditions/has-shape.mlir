// opt --rule reshape-to-itself
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<8x8xf32> {
  %y = "venc.reshape"(%x) : (tensor<2x4x8xf32>) -> tensor<8x8xf32>
  func.return %y : tensor<8x8xf32>
}
