// opt --rule norm-scale-as-row-wise
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x1xf32> {
  %0 = "venc.norm_scale"(%x) {centered = true, eps = 1.0e-6 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x1xf32>
  func.return %0 : tensor<2x4x1xf32>
}
