func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.clamp"(%a) {min = -1.0 : f64, max = 6.0 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Without a bound above.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.clamp"(%a) {min = 0.0 : f64, max = 0x7FF0000000000000 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Nothing lies between them.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.clamp"(%a) {min = 1.0 : f64, max = -1.0 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Without one of them.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.clamp"(%a) {min = 1.0 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
