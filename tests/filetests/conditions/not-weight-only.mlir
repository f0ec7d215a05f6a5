// opt --rule linear-of-activations-as-batched-gemm
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %y = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
