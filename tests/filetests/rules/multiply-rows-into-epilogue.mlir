// opt --rule multiply-rows-into-epilogue
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<17x8xf32> {venc.weight}, %b: tensor<2x4x1xf32>) -> tensor<2x4x17xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<17x8xf32>) -> tensor<2x4x17xf32>
  %1 = "venc.multiply"(%0, %b) : (tensor<2x4x17xf32>, tensor<2x4x1xf32>) -> tensor<2x4x17xf32>
  func.return %1 : tensor<2x4x17xf32>
}
