// Two slices of 16 columns, each with sums of its own.
func.func @main(%x: tensor<4x32xf32>, %w: tensor<16x32xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %y = "kernel.partial_gemm"(%x, %w) {slices = 2, tile_rows = 96, tile_columns = 64} : (tensor<4x32xf32>, tensor<16x32xf32>) -> tensor<2x4x16xf32>
  func.return %y : tensor<2x4x16xf32>
}
