// opt --pass read-back
// What a product with a norm in front and a bias behind it means.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}, %b: tensor<8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %norm = "kernel.rms_norm"() {eps = 1.0e-5 : f64} : () -> !kernel.fused
    %bias = "kernel.add"(%b) {broadcast = "columns"} : (tensor<8xf32>) -> !kernel.fused
    %y = "kernel.gemm"(%x, %w, %norm, %bias) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>, !kernel.fused, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
