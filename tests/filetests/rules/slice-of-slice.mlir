// opt --rule slice-of-slice
func.func @main(%x: tensor<2x4x13xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.slice_columns"(%x) {start = 2, length = 10} : (tensor<2x4x13xf32>) -> tensor<2x4x10xf32>
  %1 = "venc.slice_columns"(%0) {start = 1, length = 8} : (tensor<2x4x10xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
