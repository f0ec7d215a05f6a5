// opt --rule scale-by-one
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.scale"(%x) {factor = 1.0 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %0 : tensor<2x4x8xf32>
}
