// opt --rule scale-before-heads
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32> {
  %0 = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.split_heads"(%0) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  func.return %1 : tensor<2x2x4x4xf32>
}
