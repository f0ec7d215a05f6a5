// opt --rule multiply-full-into-epilogue-of-right
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<16x8xf32> {venc.weight}, %b: tensor<2x4x16xf32>) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.multiply"(%b, %0) : (tensor<2x4x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
