// Four tokens, two heads of eight columns.
func.func @main(%q: tensor<1x4x16xf32>, %k: tensor<1x4x16xf32>, %v: tensor<1x4x16xf32>) -> tensor<1x4x16xf32> {
  %y = "kernel.attention"(%q, %k, %v) {heads = 2, scale = 0.5 : f64, rotary = false, mask = "full"} : (tensor<1x4x16xf32>, tensor<1x4x16xf32>, tensor<1x4x16xf32>) -> tensor<1x4x16xf32>
  func.return %y : tensor<1x4x16xf32>
}
