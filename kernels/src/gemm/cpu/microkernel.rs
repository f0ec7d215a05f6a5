//! The inner loop of all matrix products: a panel of rows by a panel of columns, sums in registers over all of k.
//!
//! A panel of rows is `[chunk][row][8 words]`: half a cache line of each row after the other, so that every address in
//! the loop is a base and a constant, one stream runs through memory, and rows are copied in without transposing.
//! A panel of columns is `[word][column]`. A word is one f32, or a pair of bf16 along k. Where products are of tiles, a
//! chunk is a row of one, 16 words: a panel of rows is then a tile of the left side a chunk, and a panel of columns two of
//! the right side, one after the other.

use crate::CpuTarget;
use crate::mlir::{Builder, Comparison, Function, Linkage, Module, Scalar, Type, Value};
use crate::tile_registers::{self, TILE_COLUMNS, TILE_ROW_BYTES, TILE_ROWS};
use crate::vector;
use ocellus_dialects::ElementType;

/// Bytes of a word.
const WORD_BYTES: i64 = 4;

/// Words of a row that lie together in a panel of rows, for products of vectors.
const VECTOR_CHUNK_WORDS: i64 = 8;

pub(super) const LINE_BYTES: i64 = 64;

/// Cache lines that are fetched ahead beside each chunk of vectors: a quarter of the f32 that it reads, so that four panels of
/// rows fetch a panel of columns. (On a Sapphire Rapids a ViT-B takes 4 % longer with 2, and 7 % with 8.)
const LINES_AHEAD: i64 = 4;

/// The locality of a prefetch into the second-level cache.
const SECOND_LEVEL: u32 = 2;

/// Panels of rows whose sums of tiles are put through the epilogue together, at most. Two sets of them share the first-level cache
/// with a block of columns.
pub(super) const GROUP_PANELS: i64 = 9;

/// Places of sums of a panel in tiles: those of two groups, and one for what nobody wants.
const SUMS_PLACES: i64 = 2 * GROUP_PANELS + 1;

/// What panels hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PanelFormat {
    /// f32 by f32.
    F32,
    /// Rows in f32 by columns as stored, widened in the loop.
    Widened(ElementType),
    /// Pairs of bf16 along k, both sides, for `vdpbf16ps`.
    Bf16Pairs,
    /// Pairs of bf16 along k, both sides, for AMX.
    Bf16Tiles,
}

impl PanelFormat {
    /// The format for rows and columns stored so.
    pub fn of(rows: ElementType, columns: ElementType, target: &CpuTarget) -> Self {
        match (rows, columns) {
            (ElementType::BF16, ElementType::BF16) if target.amx_bf16 => PanelFormat::Bf16Tiles,
            (ElementType::BF16, ElementType::BF16) if target.avx512_bf16 => PanelFormat::Bf16Pairs,
            (_, ElementType::F32) => PanelFormat::F32,
            (_, element) => PanelFormat::Widened(element),
        }
    }

    /// How a panel of rows stores its elements.
    pub fn row_element(self) -> ElementType {
        match self {
            PanelFormat::F32 | PanelFormat::Widened(_) => ElementType::F32,
            PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => ElementType::BF16,
        }
    }

    /// Elements along k in a word of a panel of rows.
    pub fn elements_per_word(self) -> i64 {
        WORD_BYTES / self.row_element().bytes()
    }

    /// Whether a word of a panel of columns is a pair of elements along k.
    pub(super) fn pairs_columns(self) -> bool {
        matches!(self, PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles)
    }

    /// Words of a row that lie together in a panel of rows.
    fn chunk_words(self) -> i64 {
        match self {
            PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => {
                VECTOR_CHUNK_WORDS
            }
            PanelFormat::Bf16Tiles => TILE_ROW_BYTES / WORD_BYTES,
        }
    }

    /// Bytes that one column takes for one word of the rows.
    fn column_word_bytes(self) -> i64 {
        match self {
            PanelFormat::F32 | PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => WORD_BYTES,
            PanelFormat::Widened(element) => element.bytes(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            PanelFormat::F32 => "f32",
            PanelFormat::Bf16Pairs => "bf16_pairs",
            PanelFormat::Bf16Tiles => "bf16_tiles",
            PanelFormat::Widened(element) => element.name(),
        }
    }
}

/// What multiplies a panel of rows by a panel of columns.
#[derive(Clone, Debug)]
pub(crate) enum Multiplier {
    /// A function, with sums in vector registers.
    Vectors(Function),
    /// Tile registers, which are written in line.
    Tiles,
}

impl Multiplier {
    /// Writes a worker's part, in which these compute products.
    pub(crate) fn use_in(all: &[Self], b: &mut Builder, part: impl FnOnce(&mut Builder)) {
        match all.iter().any(|multiplier| matches!(multiplier, Multiplier::Tiles)) {
            false => part(b),
            true => tile_registers::with_registers(b, part),
        }
    }
}

/// A micro-kernel: `c[rows, columns] (+)= a b`, sums in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MicroKernel {
    /// What panels hold.
    pub format: PanelFormat,
    /// Rows of a panel.
    pub rows: i64,
    /// Columns of a panel.
    pub columns: i64,
    lanes: u32,
}

impl MicroKernel {
    /// The one whose sums fill the target's registers: 24 of 32 vectors, or 12 of 16, with two for the columns; or one
    /// by two of eight tiles, of which three panels of rows are multiplied at once.
    pub fn new(format: PanelFormat, target: &CpuTarget) -> Self {
        let lanes = target.lanes();
        let (rows, columns) = match format {
            PanelFormat::Bf16Tiles => (TILE_ROWS, 2 * TILE_COLUMNS),
            _ if target.vector_bits >= 512 => (12, 2 * i64::from(lanes)),
            _ => (6, 2 * i64::from(lanes)),
        };
        MicroKernel { format, rows, columns, lanes }
    }

    /// Chunks that hold `k` elements.
    pub fn chunks(&self, k: i64) -> i64 {
        let elements = self.chunk_elements();
        (k + elements - 1) / elements
    }

    /// Elements of a row in a chunk.
    pub fn chunk_elements(&self) -> i64 {
        self.format.chunk_words() * self.format.elements_per_word()
    }

    /// Bytes of a row that lie together in a panel of rows.
    pub fn chunk_bytes(&self) -> i64 {
        self.format.chunk_words() * WORD_BYTES
    }

    /// Bytes of a panel of rows.
    pub fn row_panel_bytes(&self, chunks: i64) -> i64 {
        chunks * self.rows * self.chunk_bytes()
    }

    /// Bytes of a panel of columns.
    pub fn column_panel_bytes(&self, chunks: i64) -> i64 {
        chunks * self.format.chunk_words() * self.columns * self.format.column_word_bytes()
    }

    /// Bytes of a panel of columns that are fetched ahead beside each chunk of vectors.
    pub(super) fn bytes_ahead(&self) -> i64 {
        LINES_AHEAD * LINE_BYTES
    }

    /// Writes what a module needs for it: the function that multiplies vectors, or what tiles are configured as.
    pub(crate) fn define(&self, module: &mut Module) -> Multiplier {
        match self.format {
            PanelFormat::Bf16Tiles => {
                tile_registers::define_configuration(module);
                Multiplier::Tiles
            }
            PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => {
                Multiplier::Vectors(self.define_function(module))
            }
        }
    }

    /// Bytes of the sums of one product, `[rows][columns]` of f32.
    pub(super) fn sums_bytes(&self) -> i64 {
        self.rows * self.columns * 4
    }

    /// Bytes of scratch for sums: those of one product, or in tiles those of two groups of panels of rows, as one is put through
    /// the epilogue while the other is multiplied.
    pub fn scratch_bytes(&self) -> i64 {
        match self.format {
            PanelFormat::Bf16Tiles => SUMS_PLACES * self.sums_bytes(),
            PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => {
                self.sums_bytes()
            }
        }
    }

    /// Where in a panel of columns a word of a column lies, counted in words.
    pub(super) fn column_word_place(&self, word: usize, column: usize) -> usize {
        let columns = self.columns as usize;
        match self.format {
            PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => {
                word * columns + column
            }
            PanelFormat::Bf16Tiles => {
                let (rows, width) = (self.format.chunk_words() as usize, TILE_COLUMNS as usize);
                let tile = word / rows * (columns / width) + column / width;
                (tile * rows + word % rows) * width + column % width
            }
        }
    }

    /// Columns of sums that lie together: `[column / columns][row][column % columns]`.
    pub(super) fn sums_columns(&self) -> i64 {
        match self.format {
            PanelFormat::Bf16Tiles => TILE_COLUMNS,
            PanelFormat::F32 | PanelFormat::Widened(_) | PanelFormat::Bf16Pairs => self.columns,
        }
    }

    /// The function `(a, b, chunks, c, rows, accumulate, ahead)`: computes at least the first `rows` rows of c (the panel
    /// a must be readable in whole), added to what is there where `accumulate` holds. Beside it, cache
    /// lines from `ahead` on are fetched.
    fn define_function(&self, module: &mut Module) -> Function {
        let counts = self.row_counts();
        let variants: Vec<(i64, Function)> =
            counts.iter().map(|rows| (*rows, self.define_rows(module, *rows))).collect();
        let name = format!("microkernel_{}_{}x{}", self.format.name(), self.rows, self.columns);
        let parameters = [
            Type::Pointer,
            Type::Pointer,
            Type::I64,
            Type::Pointer,
            Type::I64,
            Type::I1,
            Type::Pointer,
        ];
        module.define(&name, Linkage::Internal, &parameters, |b, arguments| {
            if let [a, columns, chunks, c, rows, accumulate, ahead] = arguments {
                let operands = [*a, *columns, *chunks, *c, *accumulate, *ahead];
                call_least(b, &variants, *rows, &operands);
            }
        })
    }

    /// The numbers of rows for which there is code: every second one, the greatest first.
    fn row_counts(&self) -> Vec<i64> {
        (1..=self.rows / 2).rev().map(|half| 2 * half).collect()
    }

    fn define_rows(&self, module: &mut Module, rows: i64) -> Function {
        let name = format!(
            "microkernel_{}_{}x{}_rows_{rows}",
            self.format.name(),
            self.rows,
            self.columns
        );
        let parameters =
            [Type::Pointer, Type::Pointer, Type::I64, Type::Pointer, Type::I1, Type::Pointer];
        module.define(&name, Linkage::Internal, &parameters, |b, arguments| {
            if let [a, columns, chunks, c, accumulate, ahead] = arguments {
                self.emit(b, rows, (*a, *columns, *chunks), (*c, *accumulate), *ahead);
            }
        })
    }

    fn emit(
        &self,
        b: &mut Builder,
        rows: i64,
        (a, columns, chunks): (Value, Value, Value),
        (c, accumulate): (Value, Value),
        ahead: Value,
    ) {
        let ty = Type::f32s(self.lanes);
        let vectors = self.columns / i64::from(self.lanes);
        let places: Vec<i64> = (0..rows * vectors).map(|v| v * i64::from(self.lanes) * 4).collect();
        let initial = b.if_else(
            accumulate,
            |b| {
                let mut read = |place: &i64| {
                    let pointer = b.offset_constant(c, *place);
                    b.load(pointer, ty)
                };
                places.iter().map(&mut read).collect()
            },
            |b| places.iter().map(|_| b.splat(0.0, ty)).collect(),
        );
        let zero = b.i64(0);
        let sums = b.for_loop((zero, chunks, 1), &initial, |b, chunk, sums| {
            let a_bytes = b.mul_constant(chunk, self.rows * self.chunk_bytes());
            let a = b.offset(a, a_bytes);
            let b_bytes = b.mul_constant(chunk, self.column_panel_bytes(1));
            let columns = b.offset(columns, b_bytes);
            let ahead_bytes = b.mul_constant(chunk, self.bytes_ahead());
            let ahead = b.offset(ahead, ahead_bytes);
            let mut sums = sums.to_vec();
            for word in 0..self.format.chunk_words() {
                if word < LINES_AHEAD {
                    fetch_line(b, ahead, word);
                }
                self.step(b, word, (a, columns), &mut sums);
            }
            sums
        });
        for (place, sum) in places.iter().zip(sums) {
            let pointer = b.offset_constant(c, *place);
            b.store(sum, pointer);
        }
    }

    /// Adds the products of one word of each row and column.
    fn step(&self, b: &mut Builder, word: i64, (a, columns): (Value, Value), sums: &mut [Value]) {
        let vectors = (self.columns / i64::from(self.lanes)) as usize;
        let vector_bytes = i64::from(self.lanes) * self.format.column_word_bytes();
        let at = word * self.columns * self.format.column_word_bytes();
        let right: Vec<Value> = (0..vectors as i64)
            .map(|vector| {
                let pointer = b.offset_constant(columns, at + vector * vector_bytes);
                self.load_columns(b, pointer)
            })
            .collect();
        for (row, sums) in sums.chunks_mut(vectors).enumerate() {
            let pointer = b.offset_constant(a, row as i64 * self.chunk_bytes() + word * WORD_BYTES);
            let left = self.load_row_word(b, pointer);
            for (sum, right) in sums.iter_mut().zip(&right) {
                *sum = self.multiply_add(b, left, *right, *sum);
            }
        }
    }

    fn load_columns(&self, b: &mut Builder, pointer: Value) -> Value {
        match self.format {
            PanelFormat::F32 => b.load(pointer, Type::f32s(self.lanes)),
            PanelFormat::Widened(element) => vector::load(b, element, pointer, self.lanes),
            PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => {
                b.load(pointer, Type::Vector(Scalar::BF16, 2 * self.lanes))
            }
        }
    }

    fn load_row_word(&self, b: &mut Builder, pointer: Value) -> Value {
        match self.format {
            PanelFormat::F32 | PanelFormat::Widened(_) => {
                let word = b.load(pointer, Type::F32);
                b.broadcast(word, self.lanes)
            }
            PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => {
                let word = b.load(pointer, Type::I32);
                let words = b.broadcast(word, self.lanes);
                b.bitcast(words, Type::Vector(Scalar::BF16, 2 * self.lanes))
            }
        }
    }

    fn multiply_add(&self, b: &mut Builder, left: Value, right: Value, sum: Value) -> Value {
        match self.format {
            PanelFormat::F32 | PanelFormat::Widened(_) => b.fma(left, right, sum),
            PanelFormat::Bf16Pairs | PanelFormat::Bf16Tiles => {
                b.intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", &[sum, left, right], sum.ty())
            }
        }
    }
}

/// Asks for a cache line of a weight, so many behind `first`.
pub(super) fn fetch_line(b: &mut Builder, first: Value, line: i64) {
    let line = b.offset_constant(first, line * LINE_BYTES);
    b.prefetch(line, SECOND_LEVEL);
}

/// Calls the variant with the least number of rows that is enough. Variants are sorted, the greatest first.
fn call_least(b: &mut Builder, variants: &[(i64, Function)], rows: Value, operands: &[Value]) {
    let Some(((_, function), lesser)) = variants.split_first() else { return };
    let Some((next, _)) = lesser.first() else { return b.call(function, operands) };
    let next = b.i64(*next);
    let needed = b.compare(Comparison::Less, next, rows);
    b.if_else(
        needed,
        |b| {
            b.call(function, operands);
            vec![]
        },
        |b| {
            call_least(b, lesser, rows, operands);
            vec![]
        },
    );
}
