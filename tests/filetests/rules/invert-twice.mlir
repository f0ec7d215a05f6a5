// opt --rule invert-twice
func.func @main(%order: tensor<4xi32>) -> tensor<4x8xf32> {
  %0 = "venc.inverse_permutation"(%order) : (tensor<4xi32>) -> tensor<4xi32>
  %1 = "venc.inverse_permutation"(%0) : (tensor<4xi32>) -> tensor<4xi32>
  %2 = "venc.weight"() {name = "table"} : () -> tensor<4x8xf32>
  %3 = "venc.gather_rows"(%2, %1) : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  func.return %3 : tensor<4x8xf32>
}
