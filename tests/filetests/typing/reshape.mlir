module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x4xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.reshape"(%a) : (tensor<?x2x4xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Where the elements are as many.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<8x?xf32, ["images"]> {
    %y = "venc.reshape"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<8x?xf32, ["images"]>
    func.return %y : tensor<8x?xf32, ["images"]>
  }
}
// -----
// Where they are not.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x7xf32, ["images"]> {
    %y = "venc.reshape"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<?x7xf32, ["images"]>
    func.return %y : tensor<?x7xf32, ["images"]>
  }
}
