// opt --rule select-the-only-token
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x8xf32> {
  %y = "venc.select_token"(%x) {index = 0} : (tensor<2x4x8xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
