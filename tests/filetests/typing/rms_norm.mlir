module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.rms_norm"(%a, %b) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>, tensor<8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A bias is no part of it.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>, %c: tensor<8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.rms_norm"(%a, %b, %c) {eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
