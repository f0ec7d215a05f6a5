// The root of the mean square is 3.5355.
// %a = 3 4
// %b = 1 2
func.func @main(%a: tensor<1x2xf32> {venc.name = "a"}, %b: tensor<2xf32> {venc.name = "b"}) -> tensor<1x2xf32> {
  %y = "venc.rms_norm"(%a, %b) {eps = 0.0 : f64} : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}
