// Pixels are squares: the middle is the mean of all, an edge is the edge of the table.
// %a = 0 10 20 30
func.func @main(%a: tensor<4x1xf32> {venc.name = "a"}) -> tensor<9x1xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 2, native_cols = 2, rows = "3", cols = "3", filter = "bilinear", antialias = false} : (tensor<4x1xf32>) -> tensor<9x1xf32>
  func.return %y : tensor<9x1xf32>
}
