// One by the deviation, 2.
// %a = 1 1 5 5
func.func @main(%a: tensor<1x4xf32> {venc.name = "a"}) -> tensor<1x1xf32> {
  %y = "venc.norm_scale"(%a) {centered = true, eps = 0.0 : f64} : (tensor<1x4xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}
// -----
// One by the root of the mean square, 7.0711.
// %a = 6 8
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}) -> tensor<1x1xf32> {
  %y = "venc.norm_scale"(%a) {centered = false, eps = 0.0 : f64} : (tensor<1x2xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}
