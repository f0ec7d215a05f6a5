module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens + 1"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.slice_tokens"(%a) {start = 1, length = "tokens"} : (tensor<?x?x8xf32, ["images", "tokens + 1"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// Past the last.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.slice_tokens"(%a) {start = 1, length = "tokens"} : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// More than there are at some size.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8xf32, ["images"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.slice_tokens"(%a) {start = 0, length = "tokens"} : (tensor<?x3x8xf32, ["images"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// A dim is written as text.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8xf32, ["images"]>) -> tensor<?x1x8xf32, ["images"]> {
    %y = "venc.slice_tokens"(%a) {start = 0, length = 1} : (tensor<?x3x8xf32, ["images"]>) -> tensor<?x1x8xf32, ["images"]>
    func.return %y : tensor<?x1x8xf32, ["images"]>
  }
}
