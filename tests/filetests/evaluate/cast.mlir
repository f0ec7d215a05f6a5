// The reference does not round activations: what their storage costs is what tolerances allow.
// %a = 1 3.1415927 65520
func.func @main(%a: tensor<3xf32> {venc.name = "a"}) -> tensor<3xf16> {
  %y = "venc.cast"(%a) : (tensor<3xf32>) -> tensor<3xf16>
  func.return %y : tensor<3xf16>
}
