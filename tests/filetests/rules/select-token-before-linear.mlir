// opt --rule select-token-before-linear
func.func @main(%x: tensor<2x6x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x6x8xf32>, tensor<16x8xf32>) -> tensor<2x6x16xf32>
  %1 = "venc.select_token"(%0) {index = 1} : (tensor<2x6x16xf32>) -> tensor<2x16xf32>
  func.return %1 : tensor<2x16xf32>
}
