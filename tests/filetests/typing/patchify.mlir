module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x48xf32, ["images"]> {
    %y = "venc.patchify"(%a) {height = 4, width = 4, rows = "2", cols = "3"} : (tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x48xf32, ["images"]>
    func.return %y : tensor<?x6x48xf32, ["images"]>
  }
}
// -----
// An empty patch.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x0xf32, ["images"]> {
    %y = "venc.patchify"(%a) {height = 0, width = 4, rows = "2", cols = "3"} : (tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x0xf32, ["images"]>
    func.return %y : tensor<?x6x0xf32, ["images"]>
  }
}
// -----
// Without images.
func.func @main(%a: tensor<3x8x12xf32>) -> tensor<6x48xf32> {
  %y = "venc.patchify"(%a) {height = 4, width = 4, rows = "2", cols = "3"} : (tensor<3x8x12xf32>) -> tensor<6x48xf32>
  func.return %y : tensor<6x48xf32>
}
// -----
// A patch has its pixels.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x47xf32, ["images"]> {
    %y = "venc.patchify"(%a) {height = 4, width = 4, rows = "2", cols = "3"} : (tensor<?x3x8x12xf32, ["images"]>) -> tensor<?x6x47xf32, ["images"]>
    func.return %y : tensor<?x6x47xf32, ["images"]>
  }
}
