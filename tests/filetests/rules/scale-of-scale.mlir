// opt --rule scale-of-scale
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.scale"(%0) {factor = 0.5 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %1 : tensor<2x4x8xf32>
}
