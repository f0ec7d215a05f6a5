func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.scale"(%a) {factor = 0.5 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Without its factor.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.scale"(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Of another kind.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.scale"(%a) {factor = 2 : i64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Infinite.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.scale"(%a) {factor = 0x7FF0000000000000 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
