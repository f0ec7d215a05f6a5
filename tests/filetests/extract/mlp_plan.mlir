// opt --extract --at images=8 --pass plan
// The launches of mlp.mlir as a host program: what is read of the checkpoint is packed.
module attributes {venc.symbols = ["images in 1..=64"]} {
  func.func @main(%x: tensor<?x197x768xf32, ["images"]>) -> tensor<?x197x768xf32, ["images"]> {
    %up = "venc.weight"() {name = "up"} : () -> tensor<3072x768xf32>
    %down = "venc.weight"() {name = "down"} : () -> tensor<768x3072xf32>
    %0 = "venc.linear"(%x, %up) : (tensor<?x197x768xf32, ["images"]>, tensor<3072x768xf32>) -> tensor<?x197x3072xf32, ["images"]>
    %1 = "venc.gelu"(%0) : (tensor<?x197x3072xf32, ["images"]>) -> tensor<?x197x3072xf32, ["images"]>
    %2 = "venc.linear"(%1, %down) : (tensor<?x197x3072xf32, ["images"]>, tensor<768x3072xf32>) -> tensor<?x197x768xf32, ["images"]>
    %3 = "venc.add"(%x, %2) : (tensor<?x197x768xf32, ["images"]>, tensor<?x197x768xf32, ["images"]>) -> tensor<?x197x768xf32, ["images"]>
    func.return %3 : tensor<?x197x768xf32, ["images"]>
  }
}
