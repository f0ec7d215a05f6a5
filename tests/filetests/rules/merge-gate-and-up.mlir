// opt --rule merge-gate-and-up
func.func @main(%x: tensor<2x4x8xf32>, %wg: tensor<16x8xf32> {venc.weight}, %wu: tensor<16x8xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%x, %wg) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %1 = "venc.gelu"(%0) : (tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %2 = "venc.linear"(%x, %wu) : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %3 = "venc.multiply"(%1, %2) : (tensor<2x4x16xf32>, tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  func.return %3 : tensor<2x4x16xf32>
}
