module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>, %b: tensor<?xi32, ["tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]> {
    %y = "venc.mask_segments"(%a, %b) : (tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>, tensor<?xi32, ["tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
    func.return %y : tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
  }
}
// -----
// Segments of each image.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>, %b: tensor<?x?xi32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]> {
    %y = "venc.mask_segments"(%a, %b) : (tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>, tensor<?x?xi32, ["images", "tokens"]>) -> tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
    func.return %y : tensor<?x2x?x?xf32, ["images", "tokens", "tokens"]>
  }
}
// -----
// Other queries than keys.
func.func @main(%a: tensor<1x2x3x4xf32>, %b: tensor<4xi32>) -> tensor<1x2x3x4xf32> {
  %y = "venc.mask_segments"(%a, %b) : (tensor<1x2x3x4xf32>, tensor<4xi32>) -> tensor<1x2x3x4xf32>
  func.return %y : tensor<1x2x3x4xf32>
}
// -----
// Segments of other tokens.
func.func @main(%a: tensor<1x2x3x3xf32>, %b: tensor<4xi32>) -> tensor<1x2x3x3xf32> {
  %y = "venc.mask_segments"(%a, %b) : (tensor<1x2x3x3xf32>, tensor<4xi32>) -> tensor<1x2x3x3xf32>
  func.return %y : tensor<1x2x3x3xf32>
}
// -----
// Scores have heads.
func.func @main(%a: tensor<2x3x3xf32>, %b: tensor<3xi32>) -> tensor<2x3x3xf32> {
  %y = "venc.mask_segments"(%a, %b) : (tensor<2x3x3xf32>, tensor<3xi32>) -> tensor<2x3x3xf32>
  func.return %y : tensor<2x3x3xf32>
}
