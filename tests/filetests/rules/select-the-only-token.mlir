// opt --rule select-the-only-token
func.func @main(%x: tensor<2x1x8xf32>) -> tensor<2x8xf32> {
  %0 = "venc.select_token"(%x) {index = 0} : (tensor<2x1x8xf32>) -> tensor<2x8xf32>
  func.return %0 : tensor<2x8xf32>
}
