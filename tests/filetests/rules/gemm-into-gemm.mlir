// opt --rule gemm-into-gemm
func.func @main(%rows: tensor<2x4x8xf32>, %first: tensor<32x8xf32> {venc.weight}, %second: tensor<16x32xf32> {venc.weight}) -> tensor<2x4x16xf32> {
  %0 = "venc.linear"(%rows, %first) : (tensor<2x4x8xf32>, tensor<32x8xf32>) -> tensor<2x4x32xf32>
  %1 = "venc.linear"(%0, %second) : (tensor<2x4x32xf32>, tensor<16x32xf32>) -> tensor<2x4x16xf32>
  func.return %1 : tensor<2x4x16xf32>
}
