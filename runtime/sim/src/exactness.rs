//! Of each instruction: whether what it computes is what the hardware computes, to the bit, or only as good.
//!
//! "Exact" means that the PTX ISA says which bits come out, and that these come out here. Where it gives the hardware a bound
//! and no more, the answer here keeps the bound, and may differ from a GPU's in the last bits. Rows are looked up from the
//! first to the last; `cargo test -p ocellus-sim prints_the_table -- --nocapture` prints them.

use std::fmt;

/// How the arithmetic of an instruction compares with the hardware's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arithmetic {
    /// The same bits.
    Exact,
    /// As good as the hardware's, and maybe not the same.
    Approximate {
        /// What is known of the hardware's answer.
        hardware: &'static str,
        /// What is computed here.
        here: &'static str,
    },
    /// It computes no number.
    None,
}

/// A row of the table: the instruction, one of whose suffixes must be there if any are named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// The name of the instruction, as `ocellus_ptx::isa` declares it.
    pub name: &'static str,
    /// Suffixes of which one must be there; none: any form.
    pub suffixes: &'static [&'static str],
    /// How its arithmetic compares.
    pub arithmetic: Arithmetic,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffixes = match self.suffixes {
            [] => String::new(),
            some => format!(" .{}", some.join(" .")),
        };
        write!(f, "| `{}`{suffixes} | ", self.name)?;
        match self.arithmetic {
            Arithmetic::Exact => write!(f, "exact | | |"),
            Arithmetic::None => write!(f, "no arithmetic | | |"),
            Arithmetic::Approximate { hardware, here } => {
                write!(f, "approximate | {hardware} | {here} |")
            }
        }
    }
}

const fn exact(name: &'static str) -> Row {
    Row { name, suffixes: &[], arithmetic: Arithmetic::Exact }
}

const fn none(name: &'static str) -> Row {
    Row { name, suffixes: &[], arithmetic: Arithmetic::None }
}

const fn near(
    name: &'static str,
    suffixes: &'static [&'static str],
    hardware: &'static str,
    here: &'static str,
) -> Row {
    Row { name, suffixes, arithmetic: Arithmetic::Approximate { hardware, here } }
}

const LIBRARY: &str = "the function in f64, rounded to f32";
const SINGLE: &str =
    "the C library's function of f32, which is off by less than one unit in the last place";
const HALVES: &str = "the function in f64, rounded once";

/// All rows.
pub static TABLE: &[Row] = &[
    // Approximations, before the exact forms of the same name.
    near(
        "div",
        &["approx"],
        "2 units in the last place for divisors of ordinary size; 0 for very large ones",
        "a correctly rounded quotient, for every divisor",
    ),
    near("div", &["full"], "2 units in the last place", "a correctly rounded quotient"),
    near(
        "rcp",
        &["approx"],
        "1 unit in the last place (f32); 20 bits (f64)",
        "a correctly rounded quotient",
    ),
    near("sqrt", &["approx"], "a relative error of 2^-23", "a correctly rounded root"),
    near("rsqrt", &["f32"], "a relative error of 2^-22.9", LIBRARY),
    near("rsqrt", &["f64"], "20 bits of the argument count", "a quotient and a root, each rounded"),
    near("sin", &[], "an absolute error of 2^-20.5 between -π and π, no bound beyond", LIBRARY),
    near("cos", &[], "an absolute error of 2^-20.5 between -π and π, no bound beyond", LIBRARY),
    near(
        "lg2",
        &[],
        "an absolute error of 2^-22 near 1, a relative one of 2^-22 elsewhere",
        SINGLE,
    ),
    near("ex2", &["f32"], "2 units in the last place", SINGLE),
    near("ex2", &[], "a relative error of 2^-9.9 (f16), 2^-7 (bf16)", HALVES),
    near("tanh", &["f32"], "a relative error of 2^-11", LIBRARY),
    near("tanh", &[], "an absolute error of 2^-10.987 (f16), 2^-8 (bf16)", HALVES),
    near(
        "mma.sync",
        &["bf16", "tf32"],
        "products are exact, and added with at least the precision of f32, in an order and with a rounding that are not said",
        "products in f32, which are exact, added one by one along k, each sum rounded to the nearest f32",
    ),
    Row { name: "mma.sync", suffixes: &["s8", "u8"], arithmetic: Arithmetic::Exact },
    near(
        "mma.sync",
        &["f64"],
        "fused multiply-adds, in an order that is not said",
        "fused multiply-adds along k",
    ),
    near(
        "mma.sync",
        &["f16"],
        "products are exact; sums in f32 or f16, in an order and with a rounding that are not said",
        "products in f32, which are exact, added one by one along k in f32; f16 sums are rounded once, at the end",
    ),
    near(
        "atom",
        &["f32", "f64", "f16", "f16x2", "bf16", "bf16x2"],
        "each sum rounded to the nearest, in the order in which the threads come",
        "the same, in the order in which the simulator comes to them",
    ),
    near(
        "red",
        &["f32", "f64", "f16", "f16x2", "bf16", "bf16x2"],
        "each sum rounded to the nearest, in the order in which the threads come",
        "the same, in the order in which the simulator comes to them",
    ),
    // Exact: integers, bits, and fractions that are rounded once. What is no number has one pattern on the hardware, and
    // here, in f32 and f64, that of the CPU.
    exact("add"),
    exact("addc"),
    exact("sub"),
    exact("subc"),
    exact("mul"),
    exact("mad"),
    exact("madc"),
    exact("mul24"),
    exact("mad24"),
    exact("div"),
    exact("rem"),
    exact("abs"),
    exact("neg"),
    exact("min"),
    exact("max"),
    exact("sad"),
    exact("popc"),
    exact("clz"),
    exact("brev"),
    exact("bfind"),
    exact("fns"),
    exact("bfe"),
    exact("bfi"),
    exact("szext"),
    exact("bmsk"),
    exact("dp4a"),
    exact("dp2a"),
    exact("and"),
    exact("or"),
    exact("xor"),
    exact("not"),
    exact("cnot"),
    exact("lop3"),
    exact("shl"),
    exact("shr"),
    exact("shf"),
    exact("prmt"),
    exact("fma"),
    exact("rcp"),
    exact("sqrt"),
    exact("copysign"),
    exact("testp"),
    exact("cvt"),
    exact("cvt.pack"),
    exact("setp"),
    exact("set"),
    exact("selp"),
    exact("slct"),
    exact("redux.sync"),
    exact("atom"),
    exact("red"),
    exact("cvta"),
    exact("isspacep"),
    // Moves, memory, control.
    none("mov"),
    none("ld"),
    none("ldu"),
    none("st"),
    none("prefetch"),
    none("prefetchu"),
    none("applypriority"),
    none("createpolicy.fractional"),
    none("membar"),
    none("fence"),
    none("cp.async"),
    none("cp.async.commit_group"),
    none("cp.async.wait_group"),
    none("cp.async.wait_all"),
    none("bra"),
    none("ret"),
    none("exit"),
    none("trap"),
    none("brkpt"),
    none("nanosleep"),
    none("griddepcontrol"),
    none("bar.sync"),
    none("bar.cta.sync"),
    none("bar.arrive"),
    none("barrier.sync"),
    none("barrier.cta.sync"),
    none("barrier.arrive"),
    none("barrier.cta.arrive"),
    none("bar.red"),
    none("barrier.red"),
    none("barrier.cta.red"),
    none("bar.warp.sync"),
    none("shfl.sync"),
    none("vote.sync"),
    none("activemask"),
    none("match.any.sync"),
    none("match.all.sync"),
    none("elect.sync"),
    none("ldmatrix.sync"),
    none("stmatrix.sync"),
    none("movmatrix.sync"),
];

/// The arithmetic of an instruction by its name and suffixes.
pub fn of(name: &str, suffixes: &[&str]) -> Option<Arithmetic> {
    let fits = |row: &&Row| {
        row.name == name
            && (row.suffixes.is_empty()
                || row.suffixes.iter().any(|suffix| suffixes.contains(suffix)))
    };
    TABLE.iter().find(fits).map(|row| row.arithmetic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocellus_ptx::isa::table::DECLARATIONS;

    #[test]
    fn every_instruction_has_a_row_and_every_row_an_instruction() {
        for declaration in DECLARATIONS {
            let suffixes: Vec<&str> = declaration
                .suffixes
                .split(|c: char| c.is_whitespace() || c == '|' || c == '?')
                .collect();
            assert!(of(declaration.name, &suffixes).is_some(), "{}", declaration.name);
        }
        for row in TABLE {
            let fits = |suffixes: &str| {
                row.suffixes.is_empty()
                    || row.suffixes.iter().any(|suffix| suffixes.contains(suffix))
            };
            let named = DECLARATIONS.iter().any(|d| d.name == row.name && fits(d.suffixes));
            assert!(named, "{row}");
        }
    }

    #[test]
    fn forms_of_one_name_are_told_apart() {
        assert_eq!(of("rcp", &["rn", "f32"]), Some(Arithmetic::Exact));
        assert!(matches!(
            of("rcp", &["approx", "ftz", "f32"]),
            Some(Arithmetic::Approximate { .. })
        ));
        assert_eq!(
            of("mma.sync", &["m16n8k32", "s32", "s8", "u8", "s32"]),
            Some(Arithmetic::Exact)
        );
        assert_eq!(of("nothing", &[]), None);
    }

    #[test]
    fn prints_the_table() {
        println!("| instruction | arithmetic | hardware | here |\n| --- | --- | --- | --- |");
        TABLE.iter().for_each(|row| println!("{row}"));
    }
}
