module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x?x8xf32, ["images", "tokens"]>, %b: tensor<?x2x8x?xf32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]> {
    %y = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<?x2x?x8xf32, ["images", "tokens"]>, tensor<?x2x8x?xf32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
    func.return %y : tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
  }
}
// -----
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x?x8xf32, ["images", "tokens"]>, %b: tensor<?x2x?x8xf32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]> {
    %y = "venc.matmul"(%a, %b) {transpose_rhs = true} : (tensor<?x2x?x8xf32, ["images", "tokens"]>, tensor<?x2x?x8xf32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
    func.return %y : tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
  }
}
// -----
// The inner dims differ.
func.func @main(%a: tensor<3x8xf32>, %b: tensor<3x8xf32>) -> tensor<3x3xf32> {
  %y = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x3xf32>
  func.return %y : tensor<3x3xf32>
}
// -----
// Other numbers of dims.
func.func @main(%a: tensor<2x3x8xf32>, %b: tensor<8x3xf32>) -> tensor<2x3x3xf32> {
  %y = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<2x3x8xf32>, tensor<8x3xf32>) -> tensor<2x3x3xf32>
  func.return %y : tensor<2x3x3xf32>
}
// -----
// Vectors.
func.func @main(%a: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<f32> {
  %y = "venc.matmul"(%a, %b) {transpose_rhs = false} : (tensor<8xf32>, tensor<8xf32>) -> tensor<f32>
  func.return %y : tensor<f32>
}
