// opt --rule mean-tokens-as-move
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x8xf32> {
  %0 = "venc.mean_tokens"(%x) : (tensor<2x4x8xf32>) -> tensor<2x8xf32>
  func.return %0 : tensor<2x8xf32>
}
