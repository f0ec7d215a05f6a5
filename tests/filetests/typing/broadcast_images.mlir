module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<1x8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.broadcast_images"(%a) : (tensor<1x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The first dim is not 1.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<2x8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.broadcast_images"(%a) : (tensor<2x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A number has no first dim.
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %y = "venc.broadcast_images"(%a) : (tensor<f32>) -> tensor<f32>
  func.return %y : tensor<f32>
}
