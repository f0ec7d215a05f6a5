module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x9x8xf32, ["images"]>, %b: tensor<5xi32>) -> tensor<?x5x8xf32, ["images"]> {
    %y = "venc.gather_rows"(%a, %b) : (tensor<?x9x8xf32, ["images"]>, tensor<5xi32>) -> tensor<?x5x8xf32, ["images"]>
    func.return %y : tensor<?x5x8xf32, ["images"]>
  }
}
// -----
// The index is stored as i32.
func.func @main(%a: tensor<9x8xf32>, %b: tensor<5xf32>) -> tensor<5x8xf32> {
  %y = "venc.gather_rows"(%a, %b) : (tensor<9x8xf32>, tensor<5xf32>) -> tensor<5x8xf32>
  func.return %y : tensor<5x8xf32>
}
// -----
// The index has one dim.
func.func @main(%a: tensor<9x8xf32>, %b: tensor<5x1xi32>) -> tensor<5x8xf32> {
  %y = "venc.gather_rows"(%a, %b) : (tensor<9x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  func.return %y : tensor<5x8xf32>
}
// -----
// More dims than images, rows and columns.
func.func @main(%a: tensor<1x1x9x8xf32>, %b: tensor<5xi32>) -> tensor<1x1x5x8xf32> {
  %y = "venc.gather_rows"(%a, %b) : (tensor<1x1x9x8xf32>, tensor<5xi32>) -> tensor<1x1x5x8xf32>
  func.return %y : tensor<1x1x5x8xf32>
}
// -----
// No rows.
func.func @main(%a: tensor<9xf32>, %b: tensor<5xi32>) -> tensor<5xf32> {
  %y = "venc.gather_rows"(%a, %b) : (tensor<9xf32>, tensor<5xi32>) -> tensor<5xf32>
  func.return %y : tensor<5xf32>
}
