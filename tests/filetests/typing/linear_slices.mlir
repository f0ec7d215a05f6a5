module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<6x8xf32>) -> tensor<2x?x6xf32, ["images"]> {
    %y = "venc.linear_slices"(%a, %b) {slices = 2} : (tensor<?x8xf32, ["images"]>, tensor<6x8xf32>) -> tensor<2x?x6xf32, ["images"]>
    func.return %y : tensor<2x?x6xf32, ["images"]>
  }
}
// -----
// The slices are of one width.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<6x8xf32>) -> tensor<3x?x6xf32, ["images"]> {
    %y = "venc.linear_slices"(%a, %b) {slices = 3} : (tensor<?x8xf32, ["images"]>, tensor<6x8xf32>) -> tensor<3x?x6xf32, ["images"]>
    func.return %y : tensor<3x?x6xf32, ["images"]>
  }
}
// -----
// No slice.
module attributes {venc.symbols = ["images in 1..=4", "tokens in 1..=9"]} {
  func.func @main(%a: tensor<?x8xf32, ["images"]>, %b: tensor<6x8xf32>) -> tensor<0x?x6xf32, ["images"]> {
    %y = "venc.linear_slices"(%a, %b) {slices = 0} : (tensor<?x8xf32, ["images"]>, tensor<6x8xf32>) -> tensor<0x?x6xf32, ["images"]>
    func.return %y : tensor<0x?x6xf32, ["images"]>
  }
}
