// opt --rule split-after-merge
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.split_heads"(%x) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %1 = "venc.merge_heads"(%0) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
