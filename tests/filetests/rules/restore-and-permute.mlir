// opt --rule restore-and-permute
func.func @main(%x: tensor<2x4x8xf32>, %order: tensor<4xi32>) -> tensor<2x4x8xf32> {
  %0 = "venc.inverse_permutation"(%order) : (tensor<4xi32>) -> tensor<4xi32>
  %1 = "venc.gather_rows"(%x, %0) : (tensor<2x4x8xf32>, tensor<4xi32>) -> tensor<2x4x8xf32>
  %2 = "venc.gather_rows"(%1, %order) : (tensor<2x4x8xf32>, tensor<4xi32>) -> tensor<2x4x8xf32>
  func.return %2 : tensor<2x4x8xf32>
}
