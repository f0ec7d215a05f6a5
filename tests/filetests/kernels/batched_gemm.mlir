// Two products of activations.
func.func @main(%a: tensor<2x4x8xf32>, %b: tensor<2x4x8xf32>) -> tensor<2x4x4xf32> {
  %y = "kernel.batched_gemm"(%a, %b) {transpose_rhs = true} : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
  func.return %y : tensor<2x4x4xf32>
}
