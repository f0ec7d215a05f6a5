// opt --rule add-columns-at-once
func.func @main(%x: tensor<2x4x8xf32>, %a: tensor<8xf32> {venc.weight}, %b: tensor<8xf32> {venc.weight}, %c: tensor<8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.add"(%x, %a) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%b, %c) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = "venc.add"(%0, %1) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  func.return %y : tensor<2x4x8xf32>
}
