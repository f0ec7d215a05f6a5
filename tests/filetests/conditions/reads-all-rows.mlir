// opt --rule permute-and-restore
func.func @main(%x: tensor<2x6x8xf32>, %order: tensor<4xi32>) -> tensor<2x4x8xf32> {
  %0 = "venc.gather_rows"(%x, %order) : (tensor<2x6x8xf32>, tensor<4xi32>) -> tensor<2x4x8xf32>
  %1 = "venc.inverse_permutation"(%order) : (tensor<4xi32>) -> tensor<4xi32>
  %y = "venc.gather_rows"(%0, %1) : (tensor<2x4x8xf32>, tensor<4xi32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
