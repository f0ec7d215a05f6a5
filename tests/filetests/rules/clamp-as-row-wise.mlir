// opt --rule clamp-as-row-wise
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.clamp"(%x) {min = -0.5 : f64, max = 0.25 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
