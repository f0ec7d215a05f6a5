// An operand that does not meet the result.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.add"(%w) {broadcast = "full"} : (tensor<8x8xf32>) -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A broadcast that there is not.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.add"(%x) {broadcast = "all"} : (tensor<?x8xf32, ["images"]>) -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Nothing of the name.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.selu"() : () -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// An operation that is a launch of its own.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.rope"() : () -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Too few operands.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.add"() {broadcast = "full"} : () -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// A gate without halves.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x7xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.gate"() {activation = "silu"} : () -> !kernel.fused
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x7xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// It is fused into nothing.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.gelu"() : () -> !kernel.fused
    %y = "kernel.rowwise"(%x) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// It is defined nowhere.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %y = "kernel.rowwise"(%x, %b) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// Nothing is fused into what moves elements.
module attributes {venc.entry = @f, venc.symbols = ["images in 1..=8"]} {
  func.func @f(%x: tensor<?x8xf32, ["images"]>, %w: tensor<8x8xf32> {venc.weight}) -> tensor<?x8xf32, ["images"]> {
    %b = "kernel.gelu"() : () -> !kernel.fused
    %y = "kernel.slice_columns"(%x, %b) {start = 0, length = 8} : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
