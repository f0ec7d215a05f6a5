func.func @main(%a: tensor<6x8xf32>) -> tensor<20x8xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 2, native_cols = 3, rows = "4", cols = "5", filter = "bicubic", antialias = true} : (tensor<6x8xf32>) -> tensor<20x8xf32>
  func.return %y : tensor<20x8xf32>
}
// -----
// The table is of another grid.
func.func @main(%a: tensor<7x8xf32>) -> tensor<20x8xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 2, native_cols = 3, rows = "4", cols = "5", filter = "bicubic", antialias = true} : (tensor<7x8xf32>) -> tensor<20x8xf32>
  func.return %y : tensor<20x8xf32>
}
// -----
// The grid is empty.
func.func @main(%a: tensor<6x8xf32>) -> tensor<20x8xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 0, native_cols = 3, rows = "4", cols = "5", filter = "bicubic", antialias = true} : (tensor<6x8xf32>) -> tensor<20x8xf32>
  func.return %y : tensor<20x8xf32>
}
// -----
// No such filter.
func.func @main(%a: tensor<6x8xf32>) -> tensor<20x8xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 2, native_cols = 3, rows = "4", cols = "5", filter = "nearest", antialias = true} : (tensor<6x8xf32>) -> tensor<20x8xf32>
  func.return %y : tensor<20x8xf32>
}
// -----
// Another number of positions.
func.func @main(%a: tensor<6x8xf32>) -> tensor<21x8xf32> {
  %y = "venc.interpolate_positions"(%a) {native_rows = 2, native_cols = 3, rows = "4", cols = "5", filter = "bilinear", antialias = true} : (tensor<6x8xf32>) -> tensor<21x8xf32>
  func.return %y : tensor<21x8xf32>
}
