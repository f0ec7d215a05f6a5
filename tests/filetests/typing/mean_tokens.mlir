module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.mean_tokens"(%a) : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Without images.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?xf32, ["images"]> {
    %y = "venc.mean_tokens"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<?xf32, ["images"]>
    func.return %y : tensor<?xf32, ["images"]>
  }
}
