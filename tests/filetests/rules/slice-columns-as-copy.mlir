// opt --rule slice-columns-as-copy
func.func @main(%x: tensor<2x4x11xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.slice_columns"(%x) {start = 2, length = 8} : (tensor<2x4x11xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
