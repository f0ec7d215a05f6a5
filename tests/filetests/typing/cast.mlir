module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xbf16, ["images"]> {
    %y = "venc.cast"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xbf16, ["images"]>
    func.return %y : tensor<?x8xbf16, ["images"]>
  }
}
// -----
// Nothing is cast to an index.
func.func @main(%a: tensor<8xf32>) -> tensor<8xi32> {
  %y = "venc.cast"(%a) : (tensor<8xf32>) -> tensor<8xi32>
  func.return %y : tensor<8xi32>
}
// -----
// The dims stay.
func.func @main(%a: tensor<8xf32>) -> tensor<7xbf16> {
  %y = "venc.cast"(%a) : (tensor<8xf32>) -> tensor<7xbf16>
  func.return %y : tensor<7xbf16>
}
