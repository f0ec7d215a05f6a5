// opt --rule softmax-as-row-wise
func.func @main(%x: tensor<2x2x4x6xf32>) -> tensor<2x2x4x6xf32> {
  %0 = "venc.softmax"(%x) : (tensor<2x2x4x6xf32>) -> tensor<2x2x4x6xf32>
  func.return %0 : tensor<2x2x4x6xf32>
}
