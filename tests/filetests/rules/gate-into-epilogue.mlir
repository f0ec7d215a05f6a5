// opt --rule gate-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<32x8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<32x8xf32>) -> tensor<2x4x32xf32>
  %1 = "venc.slice_columns"(%0) {start = 0, length = 16} : (tensor<2x4x32xf32>) -> tensor<2x4x16xf32>
  %2 = "venc.gelu"(%1) : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %3 = "venc.slice_columns"(%0) {start = 16, length = 16} : (tensor<2x4x32xf32>) -> tensor<2x4x16xf32>
  %4 = "venc.multiply"(%2, %3) : (tensor<2x4x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %4 : tensor<2x4x16xf32>
}
