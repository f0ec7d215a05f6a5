// Each element scaled, and rounded as it is stored: a whole vector and half of one where it has 16 elements.
func.func @main(%x: tensor<4x24xf32>) -> tensor<4x24xbf16> {
  %f = "kernel.scale"() {factor = 0.5 : f64} : () -> !kernel.fused
  %y = "kernel.rowwise"(%x, %f) : (tensor<4x24xf32>, !kernel.fused) -> tensor<4x24xbf16>
  func.return %y : tensor<4x24xbf16>
}
