// opt --rule merge-heads-as-move
func.func @main(%x: tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.merge_heads"(%x) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
