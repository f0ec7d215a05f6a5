// opt --rule product-of-weights
func.func @main(%x: tensor<2x4x8xf32>, %a: tensor<8x8xf32> {venc.weight}, %b: tensor<8x8xf32> {venc.weight}, %c: tensor<8x8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %a) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.matmul"(%c, %b) {transpose_rhs = false} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %y = "venc.linear"(%0, %1) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
