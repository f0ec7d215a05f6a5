// Two products in one launch, with an activation between them.
func.func @main(%x: tensor<4x24xf32>, %a: tensor<16x24xf32> {venc.weight}, %b: tensor<24x16xf32> {venc.weight}) -> tensor<4x24xf32> {
  %f = "kernel.relu"() : () -> !kernel.fused
  %y = "kernel.back_to_back_gemm"(%x, %a, %b, %f) {between = 1, rows = 12} : (tensor<4x24xf32>, tensor<16x24xf32>, tensor<24x16xf32>, !kernel.fused) -> tensor<4x24xf32>
  func.return %y : tensor<4x24xf32>
}
