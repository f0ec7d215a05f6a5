module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x1xf32, ["images"]> {
    %y = "venc.norm_scale"(%a) {centered = true, eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x1xf32, ["images"]>
    func.return %y : tensor<?x1xf32, ["images"]>
  }
}
// -----
// One number a row.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.norm_scale"(%a) {centered = true, eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// An attribute of another kind.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x1xf32, ["images"]> {
    %y = "venc.norm_scale"(%a) {centered = 1, eps = 1.0e-6 : f64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x1xf32, ["images"]>
    func.return %y : tensor<?x1xf32, ["images"]>
  }
}
