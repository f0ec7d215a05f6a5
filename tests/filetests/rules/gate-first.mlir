// opt --rule gate-first
func.func @main(%up: tensor<2x4x8xf32>, %gate: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.gelu"(%gate) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.multiply"(%up, %0) : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
