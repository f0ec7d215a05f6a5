// %a = 1 2 3 4
// %b = 1 10 100 1000
func.func @main(%a: tensor<2x2xf32> {venc.name = "a"}, %b: tensor<2x2xf32> {venc.name = "b"}) -> tensor<2x2xf32> {
  %y = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}
// -----
// %a = 1 2 3 4
// %b = 1 10 100 1000
func.func @main(%a: tensor<2x2xf32> {venc.name = "a"}, %b: tensor<2x2xf32> {venc.name = "b"}) -> tensor<2x2xf32> {
  %y = "venc.matmul"(%a, %b) {transpose_rhs = true} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  func.return %y : tensor<2x2xf32>
}
