// opt --pass plan
// A product with a tensor of the checkpoint, which is packed, and a softmax of its rows.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %w = "venc.weight"() {name = "fc.weight"} : () -> tensor<8x8xf32>
    %0 = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64, label = "fc"} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    %softmax = "kernel.softmax"() : () -> !kernel.fused
    %1 = "kernel.rowwise"(%0, %softmax) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %1 : tensor<?x8xf32, ["images"]>
  }
}
// -----
// opt --pass plan
// A weight that nobody gives: those of an entry come from the checkpoint, by their names.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %0 = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %0 : tensor<?x8xf32, ["images"]>
  }
}
