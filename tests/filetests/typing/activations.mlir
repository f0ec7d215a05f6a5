module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.gelu"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A function of one number.
func.func @main(%a: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.gelu"(%a, %b) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// No activation of this name.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.glue"(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Indices are no numbers.
func.func @main(%a: tensor<8xi32>) -> tensor<8xi32> {
  %y = "venc.silu"(%a) : (tensor<8xi32>) -> tensor<8xi32>
  func.return %y : tensor<8xi32>
}
