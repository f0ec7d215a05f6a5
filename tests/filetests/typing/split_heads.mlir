module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x2x?x4xf32, ["images", "tokens"]> {
    %y = "venc.split_heads"(%a) {heads = 2} : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x2x?x4xf32, ["images", "tokens"]>
    func.return %y : tensor<?x2x?x4xf32, ["images", "tokens"]>
  }
}
// -----
// Heads are of one width.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x3x?x2xf32, ["images", "tokens"]> {
    %y = "venc.split_heads"(%a) {heads = 3} : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x3x?x2xf32, ["images", "tokens"]>
    func.return %y : tensor<?x3x?x2xf32, ["images", "tokens"]>
  }
}
// -----
// No heads.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x0x?x8xf32, ["images", "tokens"]> {
    %y = "venc.split_heads"(%a) {heads = 0} : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x0x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x0x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// Without images.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["tokens"]>) -> tensor<2x?x4xf32, ["tokens"]> {
    %y = "venc.split_heads"(%a) {heads = 2} : (tensor<?x8xf32, ["tokens"]>) -> tensor<2x?x4xf32, ["tokens"]>
    func.return %y : tensor<2x?x4xf32, ["tokens"]>
  }
}
