// opt --rule rms-norm-into-prologue
func.func @main(%x: tensor<2x4x8xf32>, %weight: tensor<8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.rms_norm"(%x, %weight) {eps = 1.0e-6 : f64} : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.weight"() {name = "weight"} : () -> tensor<16x8xf32>
  %2 = "venc.linear"(%0, %1) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  func.return %2 : tensor<2x4x16xf32>
}
