// opt --rule merge-qkv-with-bias
func.func @main(%x: tensor<2x4x8xf32>, %wq: tensor<8x8xf32> {venc.weight}, %wk: tensor<8x8xf32> {venc.weight}, %wv: tensor<8x8xf32> {venc.weight}, %bq: tensor<8xf32> {venc.weight}, %bk: tensor<8xf32> {venc.weight}, %bv: tensor<8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %wq) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%0, %bq) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.linear"(%x, %wk) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %3 = "venc.add"(%2, %bk) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %4 = "venc.linear"(%x, %wv) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %5 = "venc.add"(%4, %bv) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %6 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.split_heads"(%3) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.split_heads"(%5) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %9 = "venc.matmul"(%6, %7) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %10 = "venc.scale"(%9) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %11 = "venc.softmax"(%10) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %12 = "venc.matmul"(%11, %8) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %13 = "venc.merge_heads"(%12) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %13 : tensor<2x4x8xf32>
}
