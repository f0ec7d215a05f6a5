// opt --rule reshape-of-reshape
func.func @main(%x: tensor<2x4x8xf32>) -> tensor<2x32xf32> {
  %0 = "venc.reshape"(%x) : (tensor<2x4x8xf32>) -> tensor<8x8xf32>
  %1 = "venc.reshape"(%0) : (tensor<8x8xf32>) -> tensor<2x32xf32>
  func.return %1 : tensor<2x32xf32>
}
