// opt --rule select-token-as-copy
func.func @main(%x: tensor<2x5x8xf32>) -> tensor<2x8xf32> {
  %0 = "venc.select_token"(%x) {index = 1} : (tensor<2x5x8xf32>) -> tensor<2x8xf32>
  func.return %0 : tensor<2x8xf32>
}
