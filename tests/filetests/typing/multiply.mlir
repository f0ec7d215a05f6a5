module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<8xf32>) -> tensor<?x?x8xf32, ["images", "tokens"]> {
    %y = "venc.multiply"(%a, %b) : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<8xf32>) -> tensor<?x?x8xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x8xf32, ["images", "tokens"]>
  }
}
// -----
// Two symbols are equal where they are one.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<?x8xf32, ["tokens"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.multiply"(%a, %b) : (tensor<?x8xf32, ["images"]>, tensor<?x8xf32, ["tokens"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
