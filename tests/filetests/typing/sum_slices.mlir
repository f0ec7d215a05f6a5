module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<2x?x6xf32, ["images"]>) -> tensor<?x6xbf16, ["images"]> {
    %y = "venc.sum_slices"(%a) : (tensor<2x?x6xf32, ["images"]>) -> tensor<?x6xbf16, ["images"]>
    func.return %y : tensor<?x6xbf16, ["images"]>
  }
}
// -----
// Slices are tensors.
func.func @main(%a: tensor<2xf32>) -> tensor<f32> {
  %y = "venc.sum_slices"(%a) : (tensor<2xf32>) -> tensor<f32>
  func.return %y : tensor<f32>
}
// -----
// No sum is an index.
func.func @main(%a: tensor<2x6xf32>) -> tensor<6xi32> {
  %y = "venc.sum_slices"(%a) : (tensor<2x6xf32>) -> tensor<6xi32>
  func.return %y : tensor<6xi32>
}
