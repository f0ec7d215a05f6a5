// opt --rule clamp-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.clamp"(%0) {min = -0.5 : f64, max = 0.25 : f64} : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
