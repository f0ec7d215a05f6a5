// A query sees the keys of its own segment.
// %a = 1 2 3 4 5 6 7 8 9
// %b = 0 0 1
func.func @main(%a: tensor<1x1x3x3xf32> {venc.name = "a"}, %b: tensor<3xi32> {venc.name = "b"}) -> tensor<1x1x3x3xf32> {
  %y = "venc.mask_segments"(%a, %b) : (tensor<1x1x3x3xf32>, tensor<3xi32>) -> tensor<1x1x3x3xf32>
  func.return %y : tensor<1x1x3x3xf32>
}
