// Attention and halves of MLPs: every kind of value, prologues and epilogues. It reads back as it is.
module attributes {venc.entry = @layer, venc.symbols = [
  "images in 1..=8",
  "height in 16..=64",
  "rows = height floordiv 16"
]} {
  func.func @layer(
    %x: tensor<?x?x64xf32, ["images", "rows + 1"]> {venc.name = "x"},
    %v: tensor<64xf32> {venc.name = "v", venc.weight}
  ) -> (tensor<?x?x32xf32, ["images", "rows + 1"]> {venc.name = "x"}, tensor<?x?x64xf32, ["images", "rows + 1"]> {venc.name = "y"}) {
    %2 = "venc.weight"() {name = "query.weight"} : () -> tensor<64x64xf32>
    %3 = "venc.concat"(%2, %2, %2) {axis = 0, offline = true} : (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<192x64xf32>
    %fused0_0 = "kernel.layer_norm"(%v, %v) {eps = 1.0e-6 : f64} : (tensor<64xf32>, tensor<64xf32>) -> !kernel.fused
    %4 = "kernel.gemm"(%x, %3, %fused0_0) {tile_rows = 96, tile_columns = 64} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<192x64xf32>, !kernel.fused) -> tensor<?x?x192xf32, ["images", "rows + 1"]>
    %5 = "kernel.view_slice_columns"(%4) {start = 0, length = 64} : (tensor<?x?x192xf32, ["images", "rows + 1"]>) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %6 = "kernel.view_slice_columns"(%4) {start = 64, length = 64} : (tensor<?x?x192xf32, ["images", "rows + 1"]>) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %7 = "kernel.view_slice_columns"(%4) {start = 128, length = 64} : (tensor<?x?x192xf32, ["images", "rows + 1"]>) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %8 = "kernel.attention"(%5, %6, %7) {heads = 4, scale = 0.25 : f64, rotary = false, mask = "full", label = "attention"} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<?x?x64xf32, ["images", "rows + 1"]>) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %fused2_0 = "kernel.add"(%v) {broadcast = "columns"} : (tensor<64xf32>) -> !kernel.fused
    %fused2_1 = "kernel.gelu"() : () -> !kernel.fused
    %fused2_2 = "kernel.add"(%x) {broadcast = "full"} : (tensor<?x?x64xf32, ["images", "rows + 1"]>) -> !kernel.fused
    %9 = "kernel.gemm"(%8, %2, %fused2_0, %fused2_1, %fused2_2) {tile_rows = 24, tile_columns = 64} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<64x64xf32>, !kernel.fused, !kernel.fused, !kernel.fused) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %fused3_0 = "kernel.softmax"() : () -> !kernel.fused
    %fused3_1 = "kernel.scale"() {factor = 0.5 : f64} : () -> !kernel.fused
    %10 = "kernel.rowwise"(%9, %fused3_0, %fused3_1) {label = "layer"} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, !kernel.fused, !kernel.fused) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    %fused4_0 = "kernel.gate"() {activation = "silu"} : () -> !kernel.fused
    %11 = "kernel.gemm"(%10, %2, %fused4_0) {tile_rows = 96, tile_columns = 64} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<64x64xf32>, !kernel.fused) -> tensor<?x?x32xf32, ["images", "rows + 1"]>
    %fused5_0 = "kernel.rms_norm"() {eps = 1.0e-5 : f64} : () -> !kernel.fused
    %fused5_1 = "kernel.add"(%v) {broadcast = "columns"} : (tensor<64xf32>) -> !kernel.fused
    %fused5_2 = "kernel.add"(%9) {broadcast = "full"} : (tensor<?x?x64xf32, ["images", "rows + 1"]>) -> !kernel.fused
    %12 = "kernel.back_to_back_gemm"(%9, %2, %2, %fused5_0, %fused5_1, %fused5_2) {between = 2, rows = 24} : (tensor<?x?x64xf32, ["images", "rows + 1"]>, tensor<64x64xf32>, tensor<64x64xf32>, !kernel.fused, !kernel.fused, !kernel.fused) -> tensor<?x?x64xf32, ["images", "rows + 1"]>
    func.return %11, %12 : tensor<?x?x32xf32, ["images", "rows + 1"]>, tensor<?x?x64xf32, ["images", "rows + 1"]>
  }
}
