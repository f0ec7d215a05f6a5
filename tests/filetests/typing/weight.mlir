func.func @main() -> tensor<2x8xf32> {
  %y = "venc.weight"() {name = "w"} : () -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
// -----
// A size that is not known.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main() -> tensor<?x8xf32, ["images"]> {
    %y = "venc.weight"() {name = "w"} : () -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// An empty weight.
func.func @main() -> tensor<0xf32> {
  %y = "venc.weight"() {name = "w"} : () -> tensor<0xf32>
  func.return %y : tensor<0xf32>
}
// -----
// With an operand.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.weight"(%a) {name = "w"} : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Without a name.
func.func @main() -> tensor<8xf32> {
  %y = "venc.weight"() : () -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
