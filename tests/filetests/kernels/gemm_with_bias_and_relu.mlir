// A bias and an activation behind the sums.
func.func @main(%x: tensor<4x24xf32>, %w: tensor<16x24xf32> {venc.weight}, %b: tensor<16xf32> {venc.weight}) -> tensor<4x16xf32> {
  %f0 = "kernel.add"(%b) {broadcast = "columns"} : (tensor<16xf32>) -> !kernel.fused
  %f1 = "kernel.relu"() : () -> !kernel.fused
  %y = "kernel.gemm"(%x, %w, %f0, %f1) {tile_rows = 96, tile_columns = 64} : (tensor<4x24xf32>, tensor<16x24xf32>, !kernel.fused, !kernel.fused) -> tensor<4x16xf32>
  func.return %y : tensor<4x16xf32>
}
