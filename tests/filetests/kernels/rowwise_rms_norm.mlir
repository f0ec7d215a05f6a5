// A norm: one pass over a row for its squares, one that multiplies.
func.func @main(%x: tensor<4x24xf32>, %g: tensor<24xf32> {venc.weight}) -> tensor<4x24xf32> {
  %f = "kernel.rms_norm"(%g) {eps = 1.0e-5 : f64} : (tensor<24xf32>) -> !kernel.fused
  %y = "kernel.rowwise"(%x, %f) : (tensor<4x24xf32>, !kernel.fused) -> tensor<4x24xf32>
  func.return %y : tensor<4x24xf32>
}
