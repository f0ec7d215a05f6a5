func.func @main(%a: tensor<5xi32>) -> tensor<5xi32> {
  %y = "venc.inverse_permutation"(%a) : (tensor<5xi32>) -> tensor<5xi32>
  func.return %y : tensor<5xi32>
}
// -----
// Numbers are no indices.
func.func @main(%a: tensor<5xf32>) -> tensor<5xf32> {
  %y = "venc.inverse_permutation"(%a) : (tensor<5xf32>) -> tensor<5xf32>
  func.return %y : tensor<5xf32>
}
// -----
// One dim.
func.func @main(%a: tensor<5x1xi32>) -> tensor<5x1xi32> {
  %y = "venc.inverse_permutation"(%a) : (tensor<5x1xi32>) -> tensor<5x1xi32>
  func.return %y : tensor<5x1xi32>
}
