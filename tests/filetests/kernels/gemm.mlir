// A product, and nothing else.
func.func @main(%x: tensor<4x24xf32>, %w: tensor<16x24xf32> {venc.weight}) -> tensor<4x16xf32> {
  %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<4x24xf32>, tensor<16x24xf32>) -> tensor<4x16xf32>
  func.return %y : tensor<4x16xf32>
}
