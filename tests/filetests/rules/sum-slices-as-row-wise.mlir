// opt --rule sum-slices-as-row-wise
func.func @main(%x: tensor<2x2x4x16xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.sum_slices"(%x) : (tensor<2x2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %0 : tensor<2x4x16xf32>
}
