//! The declarations.
//!
//! Suffixes: groups in their order, with a space between; a group is alternatives with `|` between, and one with `?` behind
//! may be missing. Operands: a letter each, with `?` behind where it may be missing:
//!
//! | letter | operand |
//! | --- | --- |
//! | `d` | a register that is written, no predicate; `d*`: or a vector of them |
//! | `d\|p` | such a register, and a predicate behind it or none |
//! | `p>` | a predicate that is written; `p\|p`: or two |
//! | `a` | a register, a number, a special register or the address of a variable; `a*`: or a vector of them |
//! | `p` | a predicate, negated or not |
//! | `i` | a number |
//! | `m` | an address in brackets |
//! | `l` | a label |

use super::Declaration;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

macro_rules! declarations {
    ($($name:literal, $suffixes:expr, $operands:literal;)*) => {
        &[$(Declaration { name: $name, suffixes: $suffixes, operands: $operands }),*]
    };
}

macro_rules! int {
    () => {
        "u16|u32|u64|s16|s32|s64"
    };
}
macro_rules! bits {
    () => {
        "b16|b32|b64"
    };
}
macro_rules! half {
    () => {
        "f16|f16x2|bf16|bf16x2"
    };
}
macro_rules! memory_type {
    () => {
        "b8|b16|b32|b64|u8|u16|u32|u64|s8|s16|s32|s64|f32|f64"
    };
}
macro_rules! hints {
    () => {
        "L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate? \
         L2::evict_normal|L2::evict_first|L2::evict_last? L2::cache_hint? L2::64B|L2::128B|L2::256B?"
    };
}
macro_rules! comparison {
    () => {
        "eq|ne|lt|le|gt|ge|lo|ls|hi|hs|equ|neu|ltu|leu|gtu|geu|num|nan"
    };
}
macro_rules! atomic {
    ($operation:literal) => {
        concat!(
            "relaxed|acquire|release|acq_rel? cta|cluster|gpu|sys? global|shared|shared::cta? ",
            $operation
        )
    };
}

/// All of them.
pub static DECLARATIONS: &[Declaration] = declarations![
    // Integer arithmetic
    "add", "u16|u32|u64|s16|s64|u16x2|s16x2", "d a a";
    "add", "sat? s32", "d a a";
    "add", "cc u32|s32|u64|s64", "d a a";
    "addc", "cc? u32|s32|u64|s64", "d a a";
    "sub", "u16|u32|u64|s16|s64", "d a a";
    "sub", "sat? s32", "d a a";
    "sub", "cc u32|s32|u64|s64", "d a a";
    "subc", "cc? u32|s32|u64|s64", "d a a";
    "mul", concat!("lo|hi ", int!()), "d a a";
    "mul", "wide u16|u32|s16|s32", "d a a";
    "mad", concat!("lo|hi ", int!()), "d a a a";
    "mad", "hi sat s32", "d a a a";
    "mad", "wide u16|u32|s16|s32", "d a a a";
    "mad", "lo|hi cc u32|s32|u64|s64", "d a a a";
    "madc", "lo|hi cc? u32|s32|u64|s64", "d a a a";
    "mul24", "lo|hi u32|s32", "d a a";
    "mad24", "lo|hi u32|s32", "d a a a";
    "div", int!(), "d a a";
    "rem", int!(), "d a a";
    "abs", "s16|s32|s64", "d a";
    "neg", "s16|s32|s64", "d a";
    "min", concat!(int!(), "|u16x2|s16x2"), "d a a";
    "max", concat!(int!(), "|u16x2|s16x2"), "d a a";
    "sad", int!(), "d a a a";
    "popc", "b32|b64", "d a";
    "clz", "b32|b64", "d a";
    "brev", "b32|b64", "d a";
    "bfind", "shiftamt? u32|u64|s32|s64", "d a";
    "fns", "b32", "d a a a";
    "bfe", "u32|u64|s32|s64", "d a a a";
    "bfi", "b32|b64", "d a a a a";
    "szext", "clamp|wrap u32|s32", "d a a";
    "bmsk", "clamp|wrap b32", "d a a";
    "dp4a", "u32|s32 u32|s32", "d a a a";
    "dp2a", "lo|hi u32|s32 u32|s32", "d a a a";
    // Bits
    "and", bits!(), "d a a";
    "or", bits!(), "d a a";
    "xor", bits!(), "d a a";
    "and", "pred", "p> p p";
    "or", "pred", "p> p p";
    "xor", "pred", "p> p p";
    "not", bits!(), "d a";
    "not", "pred", "p> p";
    "cnot", bits!(), "d a";
    "lop3", "b32", "d a a a i";
    "shl", bits!(), "d a a";
    "shr", concat!(bits!(), "|", int!()), "d a a";
    "shf", "l|r clamp|wrap b32", "d a a a";
    "prmt", "b32 f4e|b4e|rc8|ecl|ecr|rc16?", "d a a a";
    // Moves and choices
    "mov", concat!(bits!(), "|", int!(), "|f16|bf16|f32|f64|b128"), "d* a*";
    "mov", "pred", "p> p";
    "selp", concat!(bits!(), "|", int!(), "|f16|bf16|f32|f64"), "d a a p";
    "slct", concat!("ftz? ", bits!(), "|", int!(), "|f32|f64 s32|f32"), "d a a a";
    "setp", concat!(comparison!(), " ", bits!(), "|", int!(), "|f64"), "p|p a a";
    "setp", concat!(comparison!(), " and|or|xor ", bits!(), "|", int!(), "|f64"), "p|p a a p";
    "setp", concat!(comparison!(), " ftz? f32|f16|f16x2|bf16|bf16x2"), "p|p a a";
    "setp", concat!(comparison!(), " and|or|xor ftz? f32|f16|f16x2|bf16|bf16x2"), "p|p a a p";
    "set", concat!(comparison!(), " ftz? u32|s32|f32 ", bits!(), "|", int!(), "|f32|f64"), "d a a";
    "set", concat!(comparison!(), " and|or|xor ftz? u32|s32|f32 ", bits!(), "|", int!(), "|f32|f64"), "d a a p";
    // Floating point
    "add", "rn|rz|rm|rp? ftz? sat? f32", "d a a";
    "add", "rn|rz|rm|rp? f64", "d a a";
    "add", concat!("rn? ftz? sat? ", half!()), "d a a";
    "sub", "rn|rz|rm|rp? ftz? sat? f32", "d a a";
    "sub", "rn|rz|rm|rp? f64", "d a a";
    "sub", concat!("rn? ftz? sat? ", half!()), "d a a";
    "mul", "rn|rz|rm|rp? ftz? sat? f32", "d a a";
    "mul", "rn|rz|rm|rp? f64", "d a a";
    "mul", concat!("rn? ftz? sat? ", half!()), "d a a";
    "fma", "rn|rz|rm|rp ftz? sat? f32", "d a a a";
    "fma", "rn|rz|rm|rp f64", "d a a a";
    "fma", concat!("rn ftz? sat? relu? ", half!()), "d a a a";
    "mad", "rn|rz|rm|rp ftz? sat? f32", "d a a a";
    "mad", "rn|rz|rm|rp f64", "d a a a";
    "div", "approx|full|rn|rz|rm|rp ftz? f32", "d a a";
    "div", "rn|rz|rm|rp f64", "d a a";
    "abs", "ftz? f32", "d a";
    "abs", concat!("f64|", half!()), "d a";
    "neg", "ftz? f32", "d a";
    "neg", concat!("ftz? f64|", half!()), "d a";
    "min", "ftz? NaN? xorsign? abs? f32", "d a a";
    "max", "ftz? NaN? xorsign? abs? f32", "d a a";
    "min", "f64", "d a a";
    "max", "f64", "d a a";
    "min", concat!("ftz? NaN? ", half!()), "d a a";
    "max", concat!("ftz? NaN? ", half!()), "d a a";
    "rcp", "approx|rn|rz|rm|rp ftz? f32", "d a";
    "rcp", "rn|rz|rm|rp f64", "d a";
    "rcp", "approx ftz f64", "d a";
    "sqrt", "approx|rn|rz|rm|rp ftz? f32", "d a";
    "sqrt", "rn|rz|rm|rp f64", "d a";
    "rsqrt", "approx ftz? f32|f64", "d a";
    "sin", "approx ftz? f32", "d a";
    "cos", "approx ftz? f32", "d a";
    "lg2", "approx ftz? f32", "d a";
    "ex2", "approx ftz? f32|f16|f16x2|bf16|bf16x2", "d a";
    "tanh", "approx f32|f16|f16x2|bf16|bf16x2", "d a";
    "testp", "finite|infinite|number|notanumber|normal|subnormal f32|f64", "p> a";
    "copysign", "f32|f64", "d a a";
    "cvt", "rni|rzi|rmi|rpi? ftz? sat? u8|u16|u32|u64|s8|s16|s32|s64|f16|bf16|f32|f64 \
            u8|u16|u32|u64|s8|s16|s32|s64|f16|bf16|f32|f64", "d a";
    "cvt", "rn|rz|rm|rp ftz? sat? relu? f16|bf16|f32|f64 u8|u16|u32|u64|s8|s16|s32|s64|f16|bf16|f32|f64", "d a";
    "cvt", "rn|rz relu? f16x2|bf16x2 f32", "d a a";
    "cvt", "rn|rz|rna relu? satfinite? tf32 f32", "d a";
    "cvt.pack", "sat u16|s16|u8|s8 s32", "d a a";
    "cvt.pack", "sat u8|s8 s32 b32", "d a a a";
    // Addresses and memory
    "cvta", "to? global|shared|local|const|param|shared::cta u32|u64", "d a";
    "isspacep", "global|shared|local|const|shared::cta", "p> a";
    "ld", concat!("weak|volatile? global|shared|local|const|param|shared::cta|param::entry? ca|cg|cs|lu|cv|nc? ",
        hints!(), " v2|v4? ", memory_type!()), "d* m a?";
    "ld", concat!("global ca|cg|cs nc ", hints!(), " v2|v4? ", memory_type!()), "d* m a?";
    "ld", concat!("relaxed|acquire cta|cluster|gpu|sys global|shared|shared::cta? ", hints!(), " v2|v4? ",
        memory_type!()), "d* m a?";
    "ldu", concat!("global? v2|v4? ", memory_type!()), "d* m";
    "st", concat!("weak|volatile? global|shared|local|shared::cta? wb|cg|cs|wt? ", hints!(), " v2|v4? ",
        memory_type!()), "m a* a?";
    "st", concat!("relaxed|release cta|cluster|gpu|sys global|shared|shared::cta? ", hints!(), " v2|v4? ",
        memory_type!()), "m a* a?";
    "prefetch", "global|local? L1|L2|L2::evict_last|L2::evict_normal", "m";
    "prefetchu", "L1", "m";
    "applypriority", "global? L2::evict_normal", "m i";
    "createpolicy.fractional", "L2::evict_last|L2::evict_normal|L2::evict_first|L2::evict_unchanged \
        L2::evict_first|L2::evict_unchanged? b64", "d a?";
    "atom", atomic!("and|or|xor|exch b32|b64"), "d m a";
    "atom", atomic!("cas b16|b32|b64"), "d m a a";
    "atom", atomic!("add u32|u64|s32|f32|f64"), "d m a";
    "atom", atomic!("add noftz f16|f16x2|bf16|bf16x2"), "d m a";
    "atom", atomic!("inc|dec u32"), "d m a";
    "atom", atomic!("min|max u32|u64|s32|s64"), "d m a";
    "red", atomic!("and|or|xor b32|b64"), "m a";
    "red", atomic!("add u32|u64|s32|f32|f64"), "m a";
    "red", atomic!("add noftz f16|f16x2|bf16|bf16x2"), "m a";
    "red", atomic!("inc|dec u32"), "m a";
    "red", atomic!("min|max u32|u64|s32|s64"), "m a";
    "membar", "cta|gl|sys", "";
    "fence", "sc|acq_rel? cta|cluster|gpu|sys", "";
    "cp.async", concat!("ca shared|shared::cta global ", hints!()), "m m i a? a?";
    "cp.async", concat!("cg shared|shared::cta global ", hints!()), "m m i a? a?";
    "cp.async", concat!("ca|cg shared|shared::cta global ", hints!()), "m m i p";
    "cp.async.commit_group", "", "";
    "cp.async.wait_group", "", "i";
    "cp.async.wait_all", "", "";
    // Control
    "bra", "uni?", "l";
    "ret", "uni?", "";
    "exit", "", "";
    "trap", "", "";
    "brkpt", "", "";
    "nanosleep", "u32", "a";
    "griddepcontrol", "launch_dependents|wait", "";
    // Barriers and what passes between lanes
    "bar.sync", "", "a a?";
    "bar.cta.sync", "", "a a?";
    "bar.arrive", "", "a a";
    "barrier.sync", "aligned?", "a a?";
    "barrier.cta.sync", "aligned?", "a a?";
    "barrier.arrive", "aligned?", "a a";
    "barrier.cta.arrive", "aligned?", "a a";
    "bar.red", "popc u32", "d a a? p";
    "bar.red", "and|or pred", "p> a a? p";
    "barrier.red", "popc aligned? u32", "d a a? p";
    "barrier.red", "and|or aligned? pred", "p> a a? p";
    "barrier.cta.red", "popc aligned? u32", "d a a? p";
    "barrier.cta.red", "and|or aligned? pred", "p> a a? p";
    "bar.warp.sync", "", "a";
    "shfl.sync", "up|down|bfly|idx b32", "d|p a a a a";
    "vote.sync", "all|any|uni pred", "p> p a";
    "vote.sync", "ballot b32", "d p a";
    "activemask", "b32", "d";
    "match.any.sync", "b32|b64", "d a a";
    "match.all.sync", "b32|b64", "d|p a a";
    "redux.sync", "add|min|max u32|s32", "d a a";
    "redux.sync", "and|or|xor b32", "d a a";
    "elect.sync", "", "d|p a";
    // Matrices
    "ldmatrix.sync", "aligned m8n8 x1|x2|x4 trans? shared|shared::cta? b16", "d* m";
    "stmatrix.sync", "aligned m8n8 x1|x2|x4 trans? shared|shared::cta? b16", "m a*";
    "movmatrix.sync", "aligned m8n8 trans b16", "d a";
    "mma.sync", "aligned m16n8k8|m16n8k16 row col f32 bf16 bf16 f32", "d* a* a* a*";
    "mma.sync", "aligned m16n8k8|m16n8k16 row col f32 f16 f16 f32", "d* a* a* a*";
    "mma.sync", "aligned m16n8k8|m16n8k16 row col f16 f16 f16 f16", "d* a* a* a*";
    "mma.sync", "aligned m16n8k4|m16n8k8 row col f32 tf32 tf32 f32", "d* a* a* a*";
    "mma.sync", "aligned m8n8k4 row col f64 f64 f64 f64", "d* a* a* a*";
    "mma.sync", "aligned m16n8k16|m16n8k32 row col satfinite? s32 s8|u8 s8|u8 s32", "d* a* a* a*";
];

/// The declarations whose names begin with a word; longer names stand before shorter ones.
pub(super) fn named(first: &str) -> &'static [&'static Declaration] {
    static BY_FIRST: LazyLock<FxHashMap<&str, Vec<&Declaration>>> = LazyLock::new(|| {
        let mut found: FxHashMap<&str, Vec<&Declaration>> = FxHashMap::default();
        for declaration in DECLARATIONS {
            let first = declaration.name.split('.').next().unwrap_or("");
            found.entry(first).or_default().push(declaration);
        }
        for named in found.values_mut() {
            named.sort_by_key(|declaration| std::cmp::Reverse(declaration.name.split('.').count()));
        }
        found
    });
    BY_FIRST.get(first).map_or(&[], Vec::as_slice)
}
