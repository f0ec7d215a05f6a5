// opt --rule scale-of-attention-into-weight
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<8x8xf32> {venc.weight}, %b: tensor<8xf32> {venc.weight}, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %w) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%0, %b) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %3 = "venc.split_heads"(%k) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %4 = "venc.split_heads"(%v) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.matmul"(%2, %3) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.scale"(%5) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.softmax"(%6) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.matmul"(%7, %4) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %9 = "venc.merge_heads"(%8) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %9 : tensor<2x4x8xf32>
}
