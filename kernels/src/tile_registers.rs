//! AMX: eight registers that hold a tile each, 16 rows of 64 bytes, and the product of two of them.
//!
//! ```text
//! sums[row][column] += left[row][2 i] * right[i][2 column] + left[row][2 i + 1] * right[i][2 column + 1]     i < 16
//! ```
//!
//! So a tile of the left side has 32 bf16 of each of 16 rows, and one of the right side 16 pairs along k of each of 16
//! columns. Registers are chosen here, by their numbers: the intrinsics that take such numbers are kept in their order, and
//! nothing is ever spilled. (Those of MLIR's `amx` dialect leave the choice to LLVM, which configures the registers anew in
//! each function, and saves a kilobyte for each value that lives across a loop that it does not understand.)
//!
//! Source: Intel's Architecture Instruction Set Extensions Programming Reference, chapter 3.

use crate::mlir::{Builder, Module, Scalar, Type, Value};

/// Rows of a tile.
pub(crate) const TILE_ROWS: i64 = 16;

/// Bytes of a row of a tile.
pub(crate) const TILE_ROW_BYTES: i64 = 64;

/// Bytes of a tile.
pub(crate) const TILE_BYTES: i64 = TILE_ROWS * TILE_ROW_BYTES;

/// Columns of a tile of sums.
pub(crate) const TILE_COLUMNS: i64 = 16;

/// Registers that there are.
const REGISTERS: usize = 8;

/// The symbol of the configuration.
const CONFIGURATION: &str = "tile_configuration";

/// A tile register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileRegister(pub(crate) u8);

/// What the registers are configured as: palette 1, each of full size.
fn configuration() -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    for register in 0..REGISTERS {
        bytes[16 + 2 * register] = TILE_ROW_BYTES as u8;
        bytes[48 + register] = TILE_ROWS as u8;
    }
    bytes
}

/// Puts the configuration of the registers into a module.
pub(crate) fn define_configuration(module: &mut Module) {
    module.internal_constant(CONFIGURATION, &configuration());
}

/// Uses the registers in `body`: they are configured before it and released after it, so that whoever takes the thread's
/// place has nothing to save.
pub(crate) fn with_registers(b: &mut Builder, body: impl FnOnce(&mut Builder)) {
    let configuration = b.constant_address(CONFIGURATION);
    b.intrinsic_without_result("llvm.x86.ldtilecfg", &[configuration]);
    body(b);
    b.intrinsic_without_result("llvm.x86.tilerelease", &[]);
}

impl TileRegister {
    fn number(self, b: &mut Builder) -> Value {
        b.integer(i64::from(self.0), Type::Scalar(Scalar::I8))
    }

    /// Fills the tile with zeros.
    pub(crate) fn clear(self, b: &mut Builder) {
        let number = self.number(b);
        b.intrinsic_without_result("llvm.x86.tilezero", &[number]);
    }

    /// Reads a tile whose rows are so many bytes apart.
    pub(crate) fn load(self, b: &mut Builder, pointer: Value, row_bytes: Value) {
        let number = self.number(b);
        b.intrinsic_without_result("llvm.x86.tileloadd64", &[number, pointer, row_bytes]);
    }

    /// Reads a tile, as [`load`](Self::load) does, that is not read again soon: it leaves the first-level cache before others do.
    pub(crate) fn load_to_stream(self, b: &mut Builder, pointer: Value, row_bytes: Value) {
        let number = self.number(b);
        b.intrinsic_without_result("llvm.x86.tileloaddt164", &[number, pointer, row_bytes]);
    }

    /// Writes the tile to rows that are so many bytes apart.
    pub(crate) fn store(self, b: &mut Builder, pointer: Value, row_bytes: Value) {
        let number = self.number(b);
        b.intrinsic_without_result("llvm.x86.tilestored64", &[number, pointer, row_bytes]);
    }

    /// Adds the product of two tiles of bf16 to the tile, which holds f32.
    pub(crate) fn add_product(self, b: &mut Builder, left: TileRegister, right: TileRegister) {
        let numbers = [self, left, right].map(|register| register.number(b));
        b.intrinsic_without_result("llvm.x86.tdpbf16ps", &numbers);
    }
}
