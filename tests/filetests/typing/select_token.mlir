module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.select_token"(%a) {index = 0} : (tensor<?x?x8xf32, ["images", "tokens"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Past the last.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.select_token"(%a) {index = 3} : (tensor<?x3x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Before the first.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.select_token"(%a) {index = -1} : (tensor<?x3x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
