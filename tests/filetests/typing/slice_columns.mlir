module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]> {
    %y = "venc.slice_columns"(%a) {start = 2, length = 3} : (tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]>
    func.return %y : tensor<?x3xf32, ["images"]>
  }
}
// -----
// Past the last column.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]> {
    %y = "venc.slice_columns"(%a) {start = 6, length = 3} : (tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]>
    func.return %y : tensor<?x3xf32, ["images"]>
  }
}
// -----
// Before the first.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]> {
    %y = "venc.slice_columns"(%a) {start = -1, length = 3} : (tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]>
    func.return %y : tensor<?x3xf32, ["images"]>
  }
}
// -----
// Of a width that is no constant.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<8x?xf32, ["tokens"]>) -> tensor<8x1xf32> {
    %y = "venc.slice_columns"(%a) {start = 0, length = 1} : (tensor<8x?xf32, ["tokens"]>) -> tensor<8x1xf32>
    func.return %y : tensor<8x1xf32>
  }
}
// -----
// Further than an integer counts.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]> {
    %y = "venc.slice_columns"(%a) {start = 9223372036854775807, length = 3} : (tensor<?x8xf32, ["images"]>) -> tensor<?x3xf32, ["images"]>
    func.return %y : tensor<?x3xf32, ["images"]>
  }
}
