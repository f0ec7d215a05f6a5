// opt --rule scale-of-scores-from-left
func.func @main(%a: tensor<2x2x4x4xf32>, %b: tensor<2x2x6x4xf32>) -> tensor<2x2x4x6xf32> {
  %0 = "venc.scale"(%a) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %1 = "venc.matmul"(%0, %b) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x6x4xf32>) -> tensor<2x2x4x6xf32>
  func.return %1 : tensor<2x2x4x6xf32>
}
