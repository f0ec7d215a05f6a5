// venc.gelu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.gelu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.gelu_tanh
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.gelu_tanh"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.quick_gelu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.quick_gelu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.clipped_gelu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.clipped_gelu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.silu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.silu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.mish
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.mish"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.hard_swish
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.hard_swish"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.relu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.relu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.relu6
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.relu6"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.leaky_relu
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.leaky_relu"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.relu_squared
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.relu_squared"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.sigmoid
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.sigmoid"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.tanh
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.tanh"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.laplace
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.laplace"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// venc.sqrt_softplus
// %a = -3 -1 0 1 3 12
func.func @main(%a: tensor<6xf32> {venc.name = "a"}) -> tensor<6xf32> {
  %y = "venc.sqrt_softplus"(%a) : (tensor<6xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
