// Rows by their numbers, which are kept in bounds.
func.func @main(%x: tensor<2x4x8xf32>, %order: tensor<3xi32>) -> tensor<2x3x8xf32> {
  %y = "kernel.gather_rows"(%x, %order) : (tensor<2x4x8xf32>, tensor<3xi32>) -> tensor<2x3x8xf32>
  func.return %y : tensor<2x3x8xf32>
}
