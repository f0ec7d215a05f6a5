// opt --pass plan
// What indices must be is read off the launches that read them.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x4x8xf32, ["images"]>, %order: tensor<4xi32>) -> tensor<?x4x8xf32, ["images"]> {
    %0 = "kernel.gather_rows"(%x, %order) : (tensor<?x4x8xf32, ["images"]>, tensor<4xi32>) -> tensor<?x4x8xf32, ["images"]>
    %1 = "kernel.inverse_permutation"(%order) : (tensor<4xi32>) -> tensor<4xi32>
    %2 = "kernel.gather_rows"(%0, %1) : (tensor<?x4x8xf32, ["images"]>, tensor<4xi32>) -> tensor<?x4x8xf32, ["images"]>
    func.return %2 : tensor<?x4x8xf32, ["images"]>
  }
}
