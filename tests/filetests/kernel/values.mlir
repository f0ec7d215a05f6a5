// A launch of venc.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.gelu"(%x) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Work of compile time on what is made at run time.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.gelu"(%x) {offline = true} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A view that is longer than what it reads.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.view_slice_columns"(%x) {start = 4, length = 8} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A view that there is not.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.view_rows"(%x) {start = 4} : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A symbol that is not declared.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["rows"]>) -> tensor<?x8xf32, ["rows"]> {
    %y = "kernel.rowwise"(%x) : (tensor<?x8xf32, ["rows"]>) -> tensor<?x8xf32, ["rows"]>
    func.return %y : tensor<?x8xf32, ["rows"]>
  }
}
// -----
// A call of what is not there.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = func.call @g(%x) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A call of itself.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = func.call @f(%x, %w) : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A call with too few operands.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = func.call @f(%x) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A call that gives for a weight what changes.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @g(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.name = "w", venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.gemm"(%x, %w) {tile_rows = 96, tile_columns = 64} : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]> {
    %y = func.call @g(%x, %w) : (tensor<?x8xf32, ["images"]>, tensor<8x8xf32>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The entry is not there.
module attributes {venc.entry = @g, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.rowwise"(%x) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// An operation of no dialect of ours.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "arith.addf"(%x, %x) : (tensor<?x8xf32, ["images"]>, tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
