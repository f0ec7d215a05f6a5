// opt --rule matmul-as-batched-gemm
func.func @main(%a: tensor<2x2x4x4xf32>, %b: tensor<2x2x4x6xf32>) -> tensor<2x2x4x6xf32> {
  %0 = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x6xf32>) -> tensor<2x2x4x6xf32>
  func.return %0 : tensor<2x2x4x6xf32>
}
