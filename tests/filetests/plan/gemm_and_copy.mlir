// A gemm over `images * (rows + 1)` rows, and a copy to the output. It reads back as it is.
module attributes {plan.symbols = [
  "images in 1..=32",
  "height in 16..=64 step 16",
  "rows = height floordiv 16"
]} {
  "plan.kernel"() {sym_name = "gemm_64x64", family = "gemm"} : () -> ()
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=7"], program = @program0} : () -> ()
  func.func @program0() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "height", "64"]} : () -> !plan.memory
    %weight0 = "plan.weight"() {name = "fc.weight", bytes = 16384} : () -> !plan.memory
    %buffer0 = "plan.buffer"() {bytes = "images*(rows + 1)*256"} : () -> !plan.memory
    "plan.launch"(%input0, %weight0, %buffer0) {kernel = @gemm_64x64, arguments = ["input0", "weight0 + 64", "buffer0", "images*(rows + 1)"], tiles = "(images*(rows + 1)) ceildiv 96", scratch_bytes = "4096", label = "layers.0", result = "buffer0[images, rows + 1, 64] x f32"} : (!plan.memory, !plan.memory, !plan.memory) -> ()
    %output0 = "plan.output"() {name = "last_hidden_state", shape = ["images", "rows + 1", "64"]} : () -> !plan.memory
    "plan.launch"(%buffer0, %output0) {kernel = @copy, arguments = ["buffer0", "output0"], tiles = "(images*(rows + 1)) ceildiv 96", scratch_bytes = "4096"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
