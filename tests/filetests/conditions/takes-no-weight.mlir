// opt --rule bias-past-linear
func.func @main(%x: tensor<2x4x8xf32>, %a: tensor<8x8xf32> {venc.weight}, %c: tensor<8xf32> {venc.weight}, %w: tensor<8x8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %a) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%0, %c) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = "venc.linear"(%1, %w) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
