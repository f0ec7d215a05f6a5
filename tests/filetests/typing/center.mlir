module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.center"(%a) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A number has no row.
func.func @main(%a: tensor<f32>) -> tensor<f32> {
  %y = "venc.center"(%a) : (tensor<f32>) -> tensor<f32>
  func.return %y : tensor<f32>
}
