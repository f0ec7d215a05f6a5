// opt --rule slice-tokens-as-move
func.func @main(%x: tensor<2x6x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.slice_tokens"(%x) {start = 1, length = "4"} : (tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
