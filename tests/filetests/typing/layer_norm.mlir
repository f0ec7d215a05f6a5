module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a, %b, %c) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Without weight and bias.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// With one of them.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a, %b) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>, tensor<8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A bias of another width.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>, %c: tensor<7xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a, %b, %c) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>, tensor<8xf32>, tensor<7xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A negative epsilon.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a) {eps = -1.0 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// No number.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.layer_norm"(%a) {eps = 0x7FF8000000000000 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
