// Two heads of four columns.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]> {
    %y = "kernel.attention"(%x, %x, %x) {heads = 2, scale = 0.5 : f64, rotary = false, mask = "full"} : (tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]>
    func.return %y : tensor<?x4x8xf32, ["images"]>
  }
}
// -----
// Heads that do not divide the columns.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]> {
    %y = "kernel.attention"(%x, %x, %x) {heads = 3, scale = 0.5 : f64, rotary = false, mask = "full"} : (tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]>
    func.return %y : tensor<?x4x8xf32, ["images"]>
  }
}
// -----
// A mask without segments.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]> {
    %y = "kernel.attention"(%x, %x, %x) {heads = 2, scale = 0.5 : f64, rotary = false, mask = "segments"} : (tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x8xf32, ["images"]>
    func.return %y : tensor<?x4x8xf32, ["images"]>
  }
}
// -----
// A product in slices.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<2x?x8xf32, ["images"]> {
    %y = "kernel.partial_gemm"(%x, %w) {slices = 2, tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<2x?x8xf32, ["images"]>
    func.return %y : tensor<2x?x8xf32, ["images"]>
  }
}
// -----
// Slices that do not divide the columns.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<3x?x8xf32, ["images"]> {
    %y = "kernel.partial_gemm"(%x, %w) {slices = 3, tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<3x?x8xf32, ["images"]>
    func.return %y : tensor<3x?x8xf32, ["images"]>
  }
}
// -----
// A product of activations.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x4xf32, ["images"]> {
    %y = "kernel.batched_gemm"(%x, %x) {transpose_rhs = true} : (tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x4xf32, ["images"]>
    func.return %y : tensor<?x4x4xf32, ["images"]>
  }
}
// -----
// Elements that are moved.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x4x8xf32, ["images"]>) -> tensor<?x8x8xf32, ["images"]> {
    %y = "kernel.concat"(%x, %x) {axis = 1} : (tensor<?x4x8xf32, ["images"]>, tensor<?x4x8xf32, ["images"]>) -> tensor<?x8x8xf32, ["images"]>
    func.return %y : tensor<?x8x8xf32, ["images"]>
  }
}
// -----
// A launch that there is not.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemv"(%x, %w) : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
