// A function of the module, on what it takes.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = func.call @half(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
func.func @half(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// On something else.
func.func @main(%a: tensor<7xf32>) -> tensor<8xf32> {
  %y = func.call @half(%a) : (tensor<7xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
func.func @half(%x: tensor<8xf32>) -> tensor<8xf32> {
  func.return %x : tensor<8xf32>
}
// -----
// No function of this name.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = func.call @twice(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// A function that calls itself.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = func.call @main(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
