// opt --extract --at images=1
// What follows the patches alone, without the class token in front of them, reads them where they lie: one launch.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x197x64xf32, ["images"]>, %w: tensor<32x64xf32> {venc.weight}, %b: tensor<32xf32> {venc.weight}) -> tensor<?x196x32xf32, ["images"]> {
    %0 = "venc.slice_tokens"(%x) {start = 1, length = "196"} : (tensor<?x197x64xf32, ["images"]>) -> tensor<?x196x64xf32, ["images"]>
    %1 = "venc.linear"(%0, %w) : (tensor<?x196x64xf32, ["images"]>, tensor<32x64xf32>) -> tensor<?x196x32xf32, ["images"]>
    %2 = "venc.add"(%1, %b) : (tensor<?x196x32xf32, ["images"]>, tensor<32xf32>) -> tensor<?x196x32xf32, ["images"]>
    func.return %2 : tensor<?x196x32xf32, ["images"]>
  }
}
