// opt --rule slice-tokens-into-address
func.func @main(%x: tensor<2x7x8xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.slice_tokens"(%x) {start = 2, length = "4"} : (tensor<2x7x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.weight"() {name = "weight"} : () -> tensor<16x8xf32>
  %2 = "venc.linear"(%0, %1) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  func.return %2 : tensor<2x4x16xf32>
}
