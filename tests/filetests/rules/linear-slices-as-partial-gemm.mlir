// opt --rule linear-slices-as-partial-gemm
func.func @main(%x: tensor<2x4x16xf32>, %w: tensor<16x16xf32> {venc.weight}) -> tensor<2x2x4x16xf32> {
  %0 = "venc.linear_slices"(%x, %w) {slices = 2} : (tensor<2x4x16xf32>, tensor<16x16xf32>) -> tensor<2x2x4x16xf32>
  func.return %0 : tensor<2x2x4x16xf32>
}
