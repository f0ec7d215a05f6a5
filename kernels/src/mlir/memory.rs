//! Addresses, and what is read and written there.

use super::{Builder, Type, Value};

impl Builder {
    /// The address of a constant of the module.
    pub fn constant_address(&mut self, name: &str) -> Value {
        let ty = Type::Pointer;
        self.operation(ty, &format!("llvm.mlir.addressof @{name} : {ty}"))
    }

    /// The address of shared memory of the module, as one that may be of any memory.
    pub fn shared_address(&mut self, name: &str) -> Value {
        let start = self.shared_memory(name);
        self.operation(
            Type::Pointer,
            &format!("llvm.addrspacecast {start} : {} to {}", start.ty, Type::Pointer),
        )
    }

    /// The address of shared memory of the module.
    pub fn shared_memory(&mut self, name: &str) -> Value {
        let ty = Type::SharedPointer;
        self.operation(ty, &format!("llvm.mlir.addressof @{name} : {ty}"))
    }

    /// An address that is one of the device's memory.
    pub fn global_address(&mut self, pointer: Value) -> Value {
        let ty = Type::GlobalPointer;
        self.operation(ty, &format!("llvm.addrspacecast {pointer} : {} to {ty}", pointer.ty))
    }

    /// The address `bytes` further on.
    pub fn offset(&mut self, pointer: Value, bytes: Value) -> Value {
        let ty = pointer.ty;
        self.operation(
            ty,
            &format!("llvm.getelementptr {pointer}[{bytes}] : ({ty}, {}) -> {ty}, i8", bytes.ty),
        )
    }

    /// The address a known number of bytes further on.
    pub fn offset_constant(&mut self, pointer: Value, bytes: i64) -> Value {
        if bytes == 0 {
            return pointer;
        }
        let ty = pointer.ty;
        self.operation(ty, &format!("llvm.getelementptr {pointer}[{bytes}] : ({ty}) -> {ty}, i8"))
    }

    /// Reads memory that is aligned to one number; on a GPU, to all that is read.
    pub fn load(&mut self, pointer: Value, ty: Type) -> Value {
        let alignment = self.alignment(ty);
        self.load_aligned(pointer, ty, alignment)
    }

    /// Reads memory at a multiple of `alignment` bytes.
    pub fn load_aligned(&mut self, pointer: Value, ty: Type, alignment: i64) -> Value {
        self.operation(
            ty,
            &format!(
                "llvm.load {pointer} {{alignment = {alignment} : i64}} : {} -> {ty}",
                pointer.ty
            ),
        )
    }

    /// Writes memory that is aligned to one number; on a GPU, to all that is written.
    pub fn store(&mut self, value: Value, pointer: Value) {
        let alignment = self.alignment(value.ty);
        self.store_aligned(value, pointer, alignment);
    }

    fn alignment(&self, ty: Type) -> i64 {
        let at_once = if self.is_aligned { i64::from(ty.lanes()) } else { 1 };
        at_once * ty.scalar().bytes()
    }

    /// Writes memory at a multiple of `alignment` bytes.
    pub fn store_aligned(&mut self, value: Value, pointer: Value, alignment: i64) {
        self.line(&format!(
            "llvm.store {value}, {pointer} {{alignment = {alignment} : i64}} : {}, {}",
            value.ty, pointer.ty
        ));
    }

    /// Asks for the cache line at an address; `locality` 3 is the first level, 2 the second.
    pub fn prefetch(&mut self, pointer: Value, locality: u32) {
        self.line(&format!(
            "\"llvm.intr.prefetch\"({pointer}) {{rw = 0 : i32, hint = {locality} : i32, cache = 1 : i32}} : (!llvm.ptr) -> ()"
        ));
    }
}
