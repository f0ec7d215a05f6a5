// opt --rule reshape-in-place
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x32xf32> {
  %0 = "venc.reshape"(%x) : (tensor<2x4x8xf32>) -> tensor<2x32xf32>
  func.return %0 : tensor<2x32xf32>
}
