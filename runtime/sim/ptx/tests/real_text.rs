//! What LLVM wrote is read whole, every instruction of it is declared, and no damage to it makes the parser panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

use ocellus_ptx::ast::{Base, Immediate, Operand, Statement, Type};
use ocellus_ptx::{isa, parse};
use proptest::prelude::*;

fn real() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/ptx");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "ptx"));
    let mut found: Vec<_> = files
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() >= 10);
    found
}

#[test]
fn every_instruction_of_real_kernels_is_declared() {
    for (name, text) in real() {
        let module = parse(&text).unwrap_or_else(|error| panic!("{name}:{error}"));
        assert_eq!(module.version, (9, 0));
        for entry in &module.entries {
            assert!(entry.body.instructions().count() > 20, "{name}");
            for instruction in entry.body.instructions() {
                if let Err(mismatch) = isa::form(instruction, &entry.body) {
                    panic!("{name}:{}: {mismatch}", instruction.position);
                }
            }
        }
    }
}

#[test]
fn a_kernel_is_read_to_its_parts() {
    let module = parse(
        ".version 8.4\n.target sm_90a\n.address_size 64\n\
         .extern .shared .align 128 .b8 smem[];\n\
         .global .align 4 .f32 table[3] = {0f3F800000, 0f40000000};\n\
         .visible .entry k(.param .u64 .ptr .global .align 16 k_param_0, .param .align 8 .b8 k_param_1[24])\n\
         .reqntid 64, 2\n.minnctapersm 3\n{\n\
         .reg .pred %p<2>; .reg .b32 %r<9>; .shared .align 16 .b8 tile[64];\n\
         $L: { .reg .pred p; setp.ne.b32 p, %r1, 0; @p bra $L; }\n\
         @!%p1 st.shared.v2.b32 [tile+-8], {%r1, 0f3F800000};\n\
         shfl.sync.up.b32 %r2|%p0, %r3, 1, 0, -1;\n\
         ret; }",
    )
    .unwrap();
    assert_eq!(module.target, "sm_90a");
    assert_eq!(module.variables[0].count, None);
    assert_eq!(module.variables[1].bytes(), Some(12));
    assert_eq!(module.variables[1].values.len(), 2);
    let entry = &module.entries[0];
    assert_eq!(entry.required_threads, Some([64, 2, 1]));
    assert_eq!(entry.least_blocks, Some(3));
    assert_eq!((entry.parameters[0].ty, entry.parameters[0].align), (Type::U64, 8));
    assert_eq!((entry.parameters[1].count, entry.parameters[1].align), (24, 8));
    let body = &entry.body;
    assert_eq!(body.variables[0].name, "tile");
    assert!(matches!(body.statements[0], Statement::Label(_)));
    let instructions: Vec<_> = body.instructions().collect();
    let Operand::Register(inner) = &instructions[0].operands[0] else { panic!() };
    assert_eq!((body.name_of(*inner), body.type_of(*inner)), ("p".to_string(), Type::Pred));
    assert!(matches!(instructions[1].operands[0], Operand::Label(_)));
    let store = instructions[2];
    assert!(store.guard.unwrap().is_negated);
    assert_eq!(store.operands[0], Operand::Address(Base::Symbol("tile".to_string()), -8));
    let Operand::Vector(elements) = &store.operands[1] else { panic!() };
    assert_eq!(elements[1], Operand::Immediate(Immediate::F32(0x3f80_0000)));
    let Operand::Pair(first, _) = &instructions[3].operands[0] else { panic!() };
    assert!(matches!(**first, Operand::Register(register) if body.name_of(register) == "%r2"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let head = ".version 8.0\n.target sm_80\n.address_size 64\n";
    for (text, message) in [
        ("", "4:1: expected a directive of a module, found `add.s32`"),
        (
            ".entry k() { .reg .b32 %r<2>; add.s32 %r1, %r2, 1; }",
            "4:44: the register `%r2` is not declared",
        ),
        (".entry k() { ret }", "4:18: expected an operand, found `}`"),
        (".entry k() { L: L: ret; }", "4:17: the label `L` stands here a second time"),
        (
            ".entry k() { .reg .b32 a; .reg .b32 a; }",
            "4:37: the register `a` is declared a second time",
        ),
        (".entry k() { .shared .align 3 .b8 x[4]; }", "4:29: 3 is no alignment"),
        (".entry k(.param .b8 p[]) { }", "4:24: the parameter `p` has no size"),
        (".entry k() { .reg .b32 %r<2>; mov.b32 %r1, 0xzz; }", "4:44: `0xzz` is no number of PTX"),
        (".entry k() { ret;", "4:18: expected an instruction, found the end of the text"),
    ] {
        let text = match text {
            "" => format!("{head}add.s32 a, b, c;"),
            _ => format!("{head}{text}"),
        };
        assert_eq!(parse(&text).unwrap_err().to_string(), message);
    }
    assert_eq!(parse("").unwrap_err().to_string(), "1:1: a module begins with `.version`");
}

#[test]
fn an_instruction_that_is_not_declared_says_why() {
    let text = ".version 8.0\n.target sm_80\n.address_size 64\n.entry k() { .reg .b32 %r<4>; .reg .pred %p<2>;\n\
                frob.x %r1; add.b7 %r1, %r1, %r1; add %r1, %r1, %r1; add.s32 %r1, %r1; add.s32 %p1, %r1, %r2;\n\
                mma.sync.aligned.m8n8k4.row.col.f16.f16.f16.f16 {%r1}, {%r1}, {%r1}, {%r1}; }";
    let module = parse(text).unwrap();
    let body = &module.entries[0].body;
    let said: Vec<String> =
        body.instructions().map(|i| isa::form(i, body).unwrap_err().to_string()).collect();
    assert_eq!(said[0], "`frob.x` is no instruction that is known");
    assert_eq!(said[1], "`add.b7`: `add` is not known with the suffix `b7` there");
    assert!(said[2].starts_with("`add`: `add` needs more suffixes (u16|u32"), "{}", said[2]);
    assert_eq!(said[3], "`add.s32` takes other operands (d a a)");
    assert_eq!(said[4], said[3]);
    assert!(said[5].contains("`mma.sync` is not known with the suffix"), "{}", said[5]);
}

#[test]
fn each_declaration_is_written_in_the_notation() {
    for declaration in isa::table::DECLARATIONS {
        for letter in declaration.operands.split_whitespace() {
            let letter = letter.strip_suffix('?').unwrap_or(letter);
            let known = ["d", "d*", "d|p", "p>", "p|p", "a", "a*", "p", "i", "m", "l"];
            assert!(known.contains(&letter), "{}: {letter}", declaration.name);
        }
        for group in declaration.suffixes.split_whitespace() {
            let group = group.strip_suffix('?').unwrap_or(group);
            assert!(group.split('|').all(|choice| !choice.is_empty()), "{}", declaration.name);
        }
    }
}

/// A piece of a real text, with pieces of it lost, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let texts = real();
    let count = texts.len();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, 0usize..8), 1..6);
    (0..count, edits).prop_map(move |(which, edits)| {
        let mut bytes = texts[which].1.clone().into_bytes();
        bytes.truncate(6000);
        for (place, length, kind) in edits {
            let at = place.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + length).min(bytes.len());
            let piece: Vec<u8> = bytes[at..end].to_vec();
            let new: &[u8] = match kind {
                0 => b"",
                1 => b"{",
                2 => b"}",
                3 => b"<4294967295>",
                4 => b"9999999999999999999",
                5 => b"\xc3\xa9",
                6 => b"[-0x8000000000000000]",
                _ => &[piece.clone(), piece.clone()].concat(),
            };
            bytes.splice(at..end, new.iter().copied());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_damage_makes_the_parser_panic(text in damaged()) {
        if let Ok(module) = parse(&text) {
            for entry in &module.entries {
                for instruction in entry.body.instructions() {
                    let _ = isa::form(instruction, &entry.body);
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[.%$a-z0-9 ,;:{}<>()|=\\[\\]+@!-]{0,200}") {
        let _ = parse(&format!(".version 8.0\n{text}"));
        let _ = parse(&format!(".version 8.0 .entry k() {{ .reg .b32 %r<5>; {text}"));
    }
}
