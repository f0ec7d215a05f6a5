// opt --rule rope-into-attention
func.func @main(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %cos: tensor<4x4xf32>, %sin: tensor<4x4xf32>) -> tensor<2x4x8xf32> {
  %0 = "venc.rope"(%q, %cos, %sin) {heads = 2} : (tensor<2x4x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.rope"(%k, %cos, %sin) {heads = 2} : (tensor<2x4x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.split_heads"(%0) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %3 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %4 = "venc.matmul"(%2, %3) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.softmax"(%4) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.split_heads"(%v) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.matmul"(%5, %6) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.merge_heads"(%7) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %8 : tensor<2x4x8xf32>
}
