// opt --rule scale-of-scores-from-right
func.func @main(%a: tensor<2x2x4x4xf32>, %b: tensor<2x2x6x4xf32>) -> tensor<2x2x4x6xf32> {
  %0 = "venc.scale"(%b) {factor = 0.5 : f64} : (tensor<2x2x6x4xf32>) -> tensor<2x2x6x4xf32>
  %1 = "venc.matmul"(%a, %0) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x6x4xf32>) -> tensor<2x2x4x6xf32>
  func.return %1 : tensor<2x2x4x6xf32>
}
