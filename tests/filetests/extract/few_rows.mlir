// opt --extract --at images=1
// One row and few columns: a tile is half as wide as usual, so that two units have work.
module attributes {venc.symbols = ["images in 1..=64"]} {
  func.func @main(%x: tensor<?x768xf32, ["images"]>, %w: tensor<64x768xf32> {venc.weight}) -> tensor<?x64xf32, ["images"]> {
    %0 = "venc.linear"(%x, %w) : (tensor<?x768xf32, ["images"]>, tensor<64x768xf32>) -> tensor<?x64xf32, ["images"]>
    func.return %0 : tensor<?x64xf32, ["images"]>
  }
}
