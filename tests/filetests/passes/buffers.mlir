// opt --pass plan
// Four launches in a row take turns in two buffers.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %f0 = "kernel.gelu"() : () -> !kernel.fused
    %0 = "kernel.rowwise"(%x, %f0) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    %f1 = "kernel.gelu"() : () -> !kernel.fused
    %1 = "kernel.rowwise"(%0, %f1) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    %f2 = "kernel.gelu"() : () -> !kernel.fused
    %2 = "kernel.rowwise"(%1, %f2) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    %f3 = "kernel.gelu"() : () -> !kernel.fused
    %3 = "kernel.rowwise"(%2, %f3) : (tensor<?x8xf32, ["images"]>, !kernel.fused) -> tensor<?x8xf32, ["images"]>
    func.return %3 : tensor<?x8xf32, ["images"]>
  }
}
