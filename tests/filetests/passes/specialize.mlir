// opt --pass specialize
// An image of one size: the rows and columns of its patches are numbers.
module attributes {venc.symbols = ["images in 1..=8", "height in 32..=32", "rows = height floordiv 16"]} {
  func.func @main(%image: tensor<?x3x?x32xf32, ["images", "height"]>) -> tensor<?x?x768xf32, ["images", "2*rows"]> {
    %0 = "venc.patchify"(%image) {height = 16, width = 16, rows = "rows", cols = "2"} : (tensor<?x3x?x32xf32, ["images", "height"]>) -> tensor<?x?x768xf32, ["images", "2*rows"]>
    func.return %0 : tensor<?x?x768xf32, ["images", "2*rows"]>
  }
}
