// opt --pass plan
// Views are addresses and strides: four columns, and one token of each image.
module attributes {venc.symbols = ["images in 1..=8"]} {
  func.func @main(%x: tensor<?x4x8xf32, ["images"]>) -> (tensor<?x4x4xf32, ["images"]>, tensor<?x8xf32, ["images"]>) {
    %0 = "kernel.view_slice_columns"(%x) {start = 4, length = 4} : (tensor<?x4x8xf32, ["images"]>) -> tensor<?x4x4xf32, ["images"]>
    %1 = "kernel.rowwise"(%0) : (tensor<?x4x4xf32, ["images"]>) -> tensor<?x4x4xf32, ["images"]>
    %2 = "kernel.view_select_token"(%x) {index = 1} : (tensor<?x4x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    %3 = "kernel.rowwise"(%2) : (tensor<?x8xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %1, %3 : tensor<?x4x4xf32, ["images"]>, tensor<?x8xf32, ["images"]>
  }
}
