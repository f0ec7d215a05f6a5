// The mean is 2 and the deviation 1.
// %a = 1 1 3 3
// %b = 1 1 2 2
// %c = 0 10 0 10
func.func @main(%a: tensor<1x4xf32> {venc.name = "a"}, %b: tensor<4xf32> {venc.name = "b"}, %c: tensor<4xf32> {venc.name = "c"}) -> tensor<1x4xf32> {
  %y = "venc.layer_norm"(%a, %b, %c) {eps = 0.0 : f64} : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}
// -----
// The variance 1 and epsilon 3: half of it.
// %a = 1 1 3 3
func.func @main(%a: tensor<1x4xf32> {venc.name = "a"}) -> tensor<1x4xf32> {
  %y = "venc.layer_norm"(%a) {eps = 3.0 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}
