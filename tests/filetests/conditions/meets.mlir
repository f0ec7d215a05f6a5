// opt --rule add-columns-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<8x8xf32> {venc.weight}, %b: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %y = "venc.add"(%0, %b) : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
