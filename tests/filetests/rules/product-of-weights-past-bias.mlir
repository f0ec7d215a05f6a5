// opt --rule product-of-weights-past-bias
func.func @main(%x: tensor<2x4x8xf32>, %a: tensor<32x8xf32> {venc.weight}, %c: tensor<32xf32> {venc.weight}, %b: tensor<16x32xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %a) : (tensor<2x4x8xf32>, tensor<32x8xf32>) -> tensor<2x4x32xf32>
  %1 = "venc.add"(%0, %c) : (tensor<2x4x32xf32>, tensor<32xf32>) -> tensor<2x4x32xf32>
  %2 = "venc.linear"(%1, %b) : (tensor<2x4x32xf32>, tensor<16x32xf32>) -> tensor<2x4x16xf32>
  func.return %2 : tensor<2x4x16xf32>
}
