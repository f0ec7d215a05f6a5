// opt --rule interpolate-as-move
func.func @main(%x: tensor<9x8xf32>) -> tensor<30x8xf32> {
  %0 = "venc.interpolate_positions"(%x) {native_rows = 3, native_cols = 3, rows = "5", cols = "6", filter = "bilinear", antialias = false} : (tensor<9x8xf32>) -> tensor<30x8xf32>
  func.return %0 : tensor<30x8xf32>
}
