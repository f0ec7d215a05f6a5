// opt --rule merge-gate-and-up-with-bias
func.func @main(%x: tensor<2x4x8xf32>, %wg: tensor<16x8xf32> {venc.weight}, %wu: tensor<16x8xf32> {venc.weight}, %bg: tensor<16xf32> {venc.weight}, %bu: tensor<16xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %wg) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.add"(%0, %bg) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %2 = "venc.gelu"(%1) : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %3 = "venc.linear"(%x, %wu) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %4 = "venc.add"(%3, %bu) : (tensor<2x4x16xf32>, tensor<16xf32>) -> tensor<2x4x16xf32>
  %5 = "venc.multiply"(%2, %4) : (tensor<2x4x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %5 : tensor<2x4x16xf32>
}
