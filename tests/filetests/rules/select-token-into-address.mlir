// opt --rule select-token-into-address
func.func @main(%x: tensor<2x5x8xf32>) -> tensor<2x16xf32> {
  %0 = "venc.select_token"(%x) {index = 1} : (tensor<2x5x8xf32>) -> tensor<2x8xf32>
  %1 = "venc.weight"() {name = "weight"} : () -> tensor<16x8xf32>
  %2 = "venc.linear"(%0, %1) : (tensor<2x8xf32>, tensor<16x8xf32>) -> tensor<2x16xf32>
  func.return %2 : tensor<2x16xf32>
}
