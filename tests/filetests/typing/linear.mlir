module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x?x8xf32, ["images", "tokens"]>, %b: tensor<6x8xf32>) -> tensor<?x?x6xf32, ["images", "tokens"]> {
    %y = "venc.linear"(%a, %b) : (tensor<?x?x8xf32, ["images", "tokens"]>, tensor<6x8xf32>) -> tensor<?x?x6xf32, ["images", "tokens"]>
    func.return %y : tensor<?x?x6xf32, ["images", "tokens"]>
  }
}
// -----
// The weight lies as PyTorch stores it: [outputs, inputs].
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8x6xf32>) -> tensor<?x6xf32, ["images"]> {
    %y = "venc.linear"(%a, %b) : (tensor<?x8xf32, ["images"]>, tensor<8x6xf32>) -> tensor<?x6xf32, ["images"]>
    func.return %y : tensor<?x6xf32, ["images"]>
  }
}
// -----
// A weight has two dims.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<6x8x1xf32>) -> tensor<?x6xf32, ["images"]> {
    %y = "venc.linear"(%a, %b) : (tensor<?x8xf32, ["images"]>, tensor<6x8x1xf32>) -> tensor<?x6xf32, ["images"]>
    func.return %y : tensor<?x6xf32, ["images"]>
  }
}
// -----
// Another storage.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<6x8xbf16>) -> tensor<?x6xf32, ["images"]> {
    %y = "venc.linear"(%a, %b) : (tensor<?x8xf32, ["images"]>, tensor<6x8xbf16>) -> tensor<?x6xf32, ["images"]>
    func.return %y : tensor<?x6xf32, ["images"]>
  }
}
// -----
// A weight of more columns than anyone has.
func.func @main(%x: tensor<2x2199023255552xf32>, %w: tensor<8x2199023255552xf32> {venc.weight}) -> tensor<2x8xf32> {
  %y = "venc.linear"(%x, %w) : (tensor<2x2199023255552xf32>, tensor<8x2199023255552xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
