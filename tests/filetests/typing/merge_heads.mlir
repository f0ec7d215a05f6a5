module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x?x4xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.merge_heads"(%a) : (tensor<?x2x?x4xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// No heads.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.merge_heads"(%a) : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
