// One launch. Programs are named by their numbers.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// Memory that no launch uses stands behind them.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    %buffer0 = "plan.buffer"() {bytes = "64"} : () -> !plan.memory
    %weight0 = "plan.weight"() {name = "w", bytes = 16} : () -> !plan.memory
    func.return
  }
}
// -----
// A symbol that is not there.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "pictures"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A quotient without parentheses.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images*rows ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A range that is none.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images from 1 to 4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A program that is not there.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @moves} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A kernel that is not there.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @move, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// An address in what is no operand.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["buffer0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// An operand that no argument is an address in.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// Memory that is not declared.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input1, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// Memory of another name.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %out = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A number that is left out.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output1 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output1) {kernel = @copy, arguments = ["input0", "output1", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A symbol that no input brings.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["4", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// A symbol with the name of memory.
module attributes {plan.symbols = ["images in 1..=8", "buffer0 = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// An attribute that it does not have.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.kernel"() {sym_name = "copy", family = "move", size = 1} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
// -----
// An operation that is none of it.
module attributes {plan.symbols = ["images in 1..=8", "rows = images floordiv 2"]} {
  "plan.code"() {sym_name = "copy", family = "move"} : () -> ()
  "plan.piece"() {ranges = ["images in 1..=4"], program = @copies} : () -> ()
  func.func @copies() {
    %input0 = "plan.input"() {name = "x", shape = ["images", "8"]} : () -> !plan.memory
    %output0 = "plan.output"() {name = "y", shape = ["images", "8"]} : () -> !plan.memory
    "plan.launch"(%input0, %output0) {kernel = @copy, arguments = ["input0", "output0 + 4*rows", "images"], tiles = "images ceildiv 2", scratch_bytes = "0"} : (!plan.memory, !plan.memory) -> ()
    func.return
  }
}
