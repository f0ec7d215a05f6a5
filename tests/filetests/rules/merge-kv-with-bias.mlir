// opt --rule merge-kv-with-bias
func.func @main(%q: tensor<2x4x8xf32>, %x: tensor<2x4x8xf32>, %wk: tensor<8x8xf32> {venc.weight}, %wv: tensor<8x8xf32> {venc.weight}, %bk: tensor<8xf32> {venc.weight}, %bv: tensor<8xf32> {venc.weight}) -> tensor<2x4x8xf32> {
  %0 = "venc.linear"(%x, %wk) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %1 = "venc.add"(%0, %bk) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %2 = "venc.linear"(%x, %wv) : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %3 = "venc.add"(%2, %bv) : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %4 = "venc.split_heads"(%q) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %5 = "venc.split_heads"(%1) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %6 = "venc.split_heads"(%3) {heads = 2} : (tensor<2x4x8xf32>) -> tensor<2x2x4x4xf32>
  %7 = "venc.matmul"(%4, %5) {transpose_rhs = true} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %8 = "venc.scale"(%7) {factor = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %9 = "venc.softmax"(%8) : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %10 = "venc.matmul"(%9, %6) {transpose_rhs = false} : (tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %11 = "venc.merge_heads"(%10) : (tensor<2x2x4x4xf32>) -> tensor<2x4x8xf32>
  func.return %11 : tensor<2x4x8xf32>
}
