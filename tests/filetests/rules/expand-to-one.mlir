// opt --rule expand-to-one
func.func @main(%x: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  %0 = "venc.expand"(%x) : (tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  func.return %0 : tensor<1x4x8xf32>
}
