// opt --rule scale-of-scale
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.scale"(%0) {factor = 0.25 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %y = "venc.scale"(%1) {factor = 0.125 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
