// opt --rule concat-tokens-into-epilogue
func.func @main(%tokens: tensor<2x2x16xf32>, %x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x6x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.concat"(%tokens, %0) {axis = 1} : (tensor<2x2x16xf32>, tensor<2x4x16xf32>) -> tensor<2x6x16xf32>
  func.return %1 : tensor<2x6x16xf32>
}
