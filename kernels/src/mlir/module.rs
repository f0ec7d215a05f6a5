//! A module: functions, each written once.

use super::{Builder, Function, GpuThreads, Linkage, Type, Value};

const DYNAMIC_SHARED_MEMORY: &str = "dynamic_shared_memory";

/// A module under construction.
#[derive(Debug, Default)]
pub struct Module {
    functions: Vec<(Function, String)>,
    constants: Vec<String>,
}

impl Module {
    /// Writes a function; `body` ends where the function returns. An internal one that the module has already is not
    /// written again. An exported one is, for two kernels of one symbol are an error that MLIR must see.
    pub fn define(
        &mut self,
        name: &str,
        linkage: Linkage,
        parameters: &[Type],
        body: impl FnOnce(&mut Builder, &[Value]),
    ) -> Function {
        let known = self.functions.iter().find(|(known, _)| known.name == name);
        if let (Some((known, _)), Linkage::Internal) = (known, linkage) {
            return known.clone();
        }
        let function = Function { name: name.to_string(), parameters: parameters.to_vec() };
        let text = Builder::function(&function, linkage, body);
        self.functions.push((function.clone(), text));
        function
    }

    /// Writes a kernel that a GPU runs in blocks of so many threads. `body` gets the address of its argument block of so many
    /// words, which lies among the parameters, and the number of tiles.
    pub fn define_gpu(
        &mut self,
        name: &str,
        words: usize,
        threads: impl Into<GpuThreads>,
        body: impl FnOnce(&mut Builder, Value, Value),
    ) {
        let function =
            Function { name: name.to_string(), parameters: vec![Type::Pointer, Type::I64] };
        let text = Builder::gpu_kernel(&function, (words, threads.into()), body);
        self.functions.push((function, text));
    }

    /// Memory that the threads of a block share; nothing is in it when a kernel begins.
    pub fn shared_memory(&mut self, name: &str, bytes: i64) {
        let ty = format!("!llvm.array<{bytes} x i8>");
        self.constants.push(format!(
            "  llvm.mlir.global internal @{name}() {{addr_space = 3 : i32, alignment = 16 : i64}} : {ty} {{\n    \
             %0 = llvm.mlir.undef : {ty}\n    llvm.return %0 : {ty}\n  }}\n"
        ));
    }

    /// Memory that the threads of a block share, of as many bytes as a launch says; gives its name. All kernels of the module
    /// have one name for it.
    pub fn dynamic_shared_memory(&mut self) -> &'static str {
        let global = format!(
            "  llvm.mlir.global external @{DYNAMIC_SHARED_MEMORY}() \
             {{addr_space = 3 : i32, alignment = 128 : i64}} : !llvm.array<0 x i8>\n"
        );
        if !self.constants.contains(&global) {
            self.constants.push(global);
        }
        DYNAMIC_SHARED_MEMORY
    }

    /// Writes bytes that functions of the module read, unless they are there already.
    pub fn internal_constant(&mut self, name: &str, bytes: &[u8]) {
        let text: String = bytes.iter().copied().map(escaped).collect();
        let ty = format!("!llvm.array<{} x i8>", bytes.len());
        let global = format!("  llvm.mlir.global internal constant @{name}(\"{text}\") : {ty}\n");
        if !self.constants.contains(&global) {
            self.constants.push(global);
        }
    }

    /// Writes a text that whoever loads the code object finds at that symbol, ended by a zero byte.
    pub fn constant(&mut self, name: &str, text: &str) {
        let bytes = text.len() + 1;
        let text: String = text.bytes().map(escaped).collect();
        self.constants.push(format!(
            "  llvm.mlir.global external constant @{name}(\"{text}\\00\") : !llvm.array<{bytes} x i8>\n"
        ));
    }

    /// The text.
    pub fn finish(&self) -> String {
        let functions = self.functions.iter().map(|(_, text)| text.as_str());
        let parts: Vec<&str> = functions.chain(self.constants.iter().map(String::as_str)).collect();
        format!("module {{\n{}}}\n", parts.join("\n"))
    }
}

/// A byte as it stands in a string of MLIR.
fn escaped(byte: u8) -> String {
    match byte {
        b'"' | b'\\' | 0..0x20 | 0x7f.. => format!("\\{byte:02X}"),
        _ => char::from(byte).to_string(),
    }
}
