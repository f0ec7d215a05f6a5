module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<?x4xf32, ["tokens"]>, %c: tensor<?x4xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.rope"(%a, %b, %c) {heads = 2} : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<?x4xf32, ["tokens"]>, tensor<?x4xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// A table of another width.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<?x8xf32, ["tokens"]>, %c: tensor<?x4xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.rope"(%a, %b, %c) {heads = 2} : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<?x8xf32, ["tokens"]>, tensor<?x4xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// A head that has no halves.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<?x1xf32, ["tokens"]>, %c: tensor<?x1xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.rope"(%a, %b, %c) {heads = 8} : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<?x1xf32, ["tokens"]>, tensor<?x1xf32, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// Tables are f32.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<?x4xf32, ["tokens"]>, %c: tensor<?x4xbf16, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.rope"(%a, %b, %c) {heads = 2} : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<?x4xf32, ["tokens"]>, tensor<?x4xbf16, ["tokens"]>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
