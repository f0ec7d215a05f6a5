// A norm before, a bias behind.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}, %v: tensor<8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %n = "kernel.rms_norm"() {eps = 1.0e-5 : f64} : () -> !kernel.fused
    %b = "kernel.add"(%v) {broadcast = "columns"} : (tensor<8xf32>) -> !kernel.fused
    %y = "kernel.gemm"(%x, %w, %n, %b) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>, !kernel.fused, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The weight is made at run time.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The weight has other columns.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x4xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x4xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The result is not what it says.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x4xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x4xf32, ["images"]>
    func.return %y : tensor<?x4xf32, ["images"]>
  }
}
// -----
// A tile of nothing.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 0, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Without a tile.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Without a weight.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// With an operand more.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w, %x) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>, tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// With an attribute that it does not have.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64, tiles = 1} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A norm behind a function of the element.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %g = "kernel.gelu"() : () -> !kernel.fused
    %n = "kernel.rms_norm"() {eps = 1.0e-5 : f64} : () -> !kernel.fused
    %y = "kernel.gemm"(%x, %w, %g, %n) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>, !kernel.fused, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
