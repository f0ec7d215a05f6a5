// opt --rule select-token-before-plain-layer-norm
func.func @main(%x: tensor<2x6x8xf32>) -> tensor<2x8xf32> {
  %0 = "venc.layer_norm"(%x) {eps = 1.0e-6 : f64} : (tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %1 = "venc.select_token"(%0) {index = 1} : (tensor<2x6x8xf32>) -> tensor<2x8xf32>
  func.return %1 : tensor<2x8xf32>
}
