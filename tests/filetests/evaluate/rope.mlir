// A quarter turn: the halves change places, the second negated.
// %a = 1 2 3 4
// %b = 0 0 0 0
// %c = 1 1 1 1
func.func @main(%a: tensor<1x1x4xf32> {venc.name = "a"}, %b: tensor<1x4xf32> {venc.name = "b"}, %c: tensor<1x4xf32> {venc.name = "c"}) -> tensor<1x1x4xf32> {
  %y = "venc.rope"(%a, %b, %c) {heads = 1} : (tensor<1x1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1x4xf32>
  func.return %y : tensor<1x1x4xf32>
}
