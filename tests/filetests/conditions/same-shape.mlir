// opt --rule gate-first
func.func @main(%up: tensor<2x4x8xf32>, %gate: tensor<8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.silu"(%gate) : (tensor<8xf32>) -> tensor<8xf32>
  %y = "venc.multiply"(%up, %0) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
