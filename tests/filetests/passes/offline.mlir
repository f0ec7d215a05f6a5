// opt --pass plan
// Work on weights is done when the artifact is written: the plan has its result, under a name that says what it is.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x8xf32, ["images"]>) -> tensor<?x16xf32, ["images"]> {
    %q = "venc.weight"() {name = "query.weight"} : () -> tensor<8x8xf32>
    %k = "venc.weight"() {name = "key.weight"} : () -> tensor<8x8xf32>
    %w = "venc.concat"(%q, %k) {axis = 0, offline = true} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
    %0 = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<16x8xf32>) -> tensor<?x16xf32, ["images"]>
    func.return %0 : tensor<?x16xf32, ["images"]>
  }
}
