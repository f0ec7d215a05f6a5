// opt --rule inverse-permutation-as-move
func.func @main(%index: tensor<4xi32>) -> tensor<4x8xf32> {
  %0 = "venc.inverse_permutation"(%index) : (tensor<4xi32>) -> tensor<4xi32>
  %1 = "venc.weight"() {name = "table"} : () -> tensor<4x8xf32>
  %2 = "venc.gather_rows"(%1, %0) : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  func.return %2 : tensor<4x8xf32>
}
