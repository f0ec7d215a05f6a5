// The dims of `b` are the last ones of `a`.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.add"(%a, %b) : (tensor<?x8xf32, ["images"]>, tensor<8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Or they are 1.
func.func @main(%a: tensor<2x8xf32>, %b: tensor<1xf32>) -> tensor<2x8xf32> {
  %y = "venc.add"(%a, %b) : (tensor<2x8xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
// -----
// Another width.
func.func @main(%a: tensor<2x8xf32>, %b: tensor<7xf32>) -> tensor<2x8xf32> {
  %y = "venc.add"(%a, %b) : (tensor<2x8xf32>, tensor<7xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
// -----
// More dims than `a` has.
func.func @main(%a: tensor<8xf32>, %b: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = "venc.add"(%a, %b) : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
// -----
// Another storage.
func.func @main(%a: tensor<8xf32>, %b: tensor<8xbf16>) -> tensor<8xf32> {
  %y = "venc.add"(%a, %b) : (tensor<8xf32>, tensor<8xbf16>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// One operand.
func.func @main(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.add"(%a) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// Indices are no numbers.
func.func @main(%a: tensor<8xi32>, %b: tensor<8xi32>) -> tensor<8xi32> {
  %y = "venc.add"(%a, %b) : (tensor<8xi32>, tensor<8xi32>) -> tensor<8xi32>
  func.return %y : tensor<8xi32>
}
// -----
// The type of the result is that of `a`.
func.func @main(%a: tensor<2x8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %y = "venc.add"(%a, %b) : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
