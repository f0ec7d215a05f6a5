module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3xf32, ["images"]>, %b: tensor<?x5xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.concat"(%a, %b) {axis = 1} : (tensor<?x3xf32, ["images"]>, tensor<?x5xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// The other dims differ.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x3xf32, ["images"]>, %b: tensor<?x5xf32, ["images"]>) -> tensor<?x8xf32, ["images"]> {
    %y = "venc.concat"(%a, %b) {axis = 0} : (tensor<?x3xf32, ["images"]>, tensor<?x5xf32, ["images"]>) -> tensor<?x8xf32, ["images"]>
    func.return %y : tensor<?x8xf32, ["images"]>
  }
}
// -----
// No such dim.
func.func @main(%a: tensor<3xf32>, %b: tensor<5xf32>) -> tensor<8xf32> {
  %y = "venc.concat"(%a, %b) {axis = 1} : (tensor<3xf32>, tensor<5xf32>) -> tensor<8xf32>
  func.return %y : tensor<8xf32>
}
// -----
// One operand.
func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {
  %y = "venc.concat"(%a) {axis = 0} : (tensor<3xf32>) -> tensor<3xf32>
  func.return %y : tensor<3xf32>
}
// -----
// Other numbers of dims.
func.func @main(%a: tensor<3xf32>, %b: tensor<3x1xf32>) -> tensor<6xf32> {
  %y = "venc.concat"(%a, %b) {axis = 0} : (tensor<3xf32>, tensor<3x1xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
// -----
// Before the first dim.
func.func @main(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<6xf32> {
  %y = "venc.concat"(%a, %b) {axis = -1} : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
  func.return %y : tensor<6xf32>
}
