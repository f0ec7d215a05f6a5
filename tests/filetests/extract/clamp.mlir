// opt --extract --at images=1
// A model that clips what its activation gives, and clips again: one launch.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x196x64xf32, ["images"]>, %w: tensor<32x64xf32> {venc.weight}, %b: tensor<32xf32> {venc.weight}) -> tensor<?x196x32xf32, ["images"]> {
    %0 = "venc.linear"(%x, %w) : (tensor<?x196x64xf32, ["images"]>, tensor<32x64xf32>) -> tensor<?x196x32xf32, ["images"]>
    %1 = "venc.add"(%0, %b) : (tensor<?x196x32xf32, ["images"]>, tensor<32xf32>) -> tensor<?x196x32xf32, ["images"]>
    %2 = "venc.gelu"(%1) : (tensor<?x196x32xf32, ["images"]>) -> tensor<?x196x32xf32, ["images"]>
    %3 = "venc.clamp"(%2) {min = -0.1 : f64, max = 6.0 : f64} : (tensor<?x196x32xf32, ["images"]>) -> tensor<?x196x32xf32, ["images"]>
    %4 = "venc.clamp"(%3) {min = 0.0 : f64, max = 0x7FF0000000000000 : f64} : (tensor<?x196x32xf32, ["images"]>) -> tensor<?x196x32xf32, ["images"]>
    func.return %4 : tensor<?x196x32xf32, ["images"]>
  }
}
