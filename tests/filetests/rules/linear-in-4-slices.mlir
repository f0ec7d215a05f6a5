// opt --rule linear-in-4-slices
func.func @main(%x: tensor<2x4x512xf32>, %w: tensor<16x512xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x512xf32>, tensor<16x512xf32>) -> tensor<2x4x16xf32>
  func.return %0 : tensor<2x4x16xf32>
}
