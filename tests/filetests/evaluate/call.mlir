// The function is applied twice.
// %a = 1 2
func.func @main(%a: tensor<2xf32> {venc.name = "a"}) -> tensor<2xf32> {
  %0 = func.call @half(%a) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = func.call @half(%0) : (tensor<2xf32>) -> tensor<2xf32>
  func.return %1 : tensor<2xf32>
}
func.func @half(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = "venc.scale"(%x) {factor = 0.5 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}
