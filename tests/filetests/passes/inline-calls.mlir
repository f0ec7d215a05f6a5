// opt --pass inline-calls
// Two layers, each a call of one function: their launches stand in the entry, with the labels of the calls.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @layer(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %gelu = "kernel.gelu"() : () -> !kernel.fused
    %y = "kernel.gemm"(%x, %w, %gelu) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
  func.func @main(%x: tensor<?x8xf32, ["images"]>, %a: tensor<8x8xf32> {venc.weight}, %b: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %0 = func.call @layer(%x, %a) {label = "layers.0"} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    %1 = func.call @layer(%0, %b) {label = "layers.1"} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %1 : tensor<?x8xf32, ["images"]>
  }
}
