//! Each instruction against answers that were worked out by hand, in tables: `instructions/*.txt`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use ocellus_sim::{Memory, Settings};
use support::{Parameters, Run, run_kernel};

/// A value of a table: its type and its bits.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Typed(String, u64),
    Immediate(String),
    Parts(Vec<Value>),
}

struct Case {
    line: String,
    opcode: String,
    ty: String,
    wanted: u64,
    sources: Vec<Value>,
}

fn bits_of(ty: &str, text: &str) -> u64 {
    match ty {
        "f32" => u64::from(text.parse::<f32>().unwrap().to_bits()),
        "f64" => text.parse::<f64>().unwrap().to_bits(),
        _ => {
            let value = match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
                None => text.parse::<i64>().unwrap() as u64,
            };
            value & (u64::MAX >> (64 - width(ty)))
        }
    }
}

fn width(ty: &str) -> u32 {
    match ty {
        "pred" => 1,
        _ => ty[1..].parse().unwrap(),
    }
}

fn value(text: &str) -> Value {
    let (ty, number) = text.trim().split_once(' ').unwrap_or_else(|| panic!("`{text}`"));
    match ty {
        "imm" => Value::Immediate(number.to_string()),
        _ => Value::Typed(ty.to_string(), bits_of(ty, number.trim())),
    }
}

fn cases(name: &str) -> Vec<Case> {
    let path = format!("{}/tests/instructions/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let [opcode, answer, sources]: [&str; 3] =
                line.split(" ; ").collect::<Vec<_>>().try_into().unwrap();
            let (ty, wanted) = answer.split_once(" = ").unwrap();
            let sources = match sources.strip_prefix('{') {
                Some(parts) => {
                    vec![Value::Parts(parts.trim_end_matches('}').split(',').map(value).collect())]
                }
                None => sources.split(',').map(value).collect(),
            };
            Case {
                line: line.to_string(),
                opcode: opcode.to_string(),
                ty: ty.to_string(),
                wanted: bits_of(ty, wanted),
                sources,
            }
        })
        .collect()
}

/// The text that gives a register its value, and the operand.
fn operand(value: &Value, name: &str) -> (String, String) {
    match value {
        Value::Immediate(text) => (String::new(), text.clone()),
        Value::Typed(ty, bits) if ty == "pred" => {
            (format!(".reg .pred {name}; setp.ne.s32 {name}, {bits}, 0;\n"), name.to_string())
        }
        Value::Typed(ty, bits) => {
            let width = width(ty);
            (format!(".reg .b{width} {name}; mov.b{width} {name}, {bits};\n"), name.to_string())
        }
        Value::Parts(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .enumerate()
                .map(|(index, part)| operand(part, &format!("{name}_{index}")))
                .collect();
            let names: Vec<_> = parts.iter().map(|(_, name)| name.clone()).collect();
            (parts.into_iter().map(|(text, _)| text).collect(), format!("{{{}}}", names.join(", ")))
        }
    }
}

fn kernel(cases: &[Case]) -> String {
    let mut text = String::from(
        ".version 8.4\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 out) {\n\
         .reg .b64 %out; ld.param.b64 %out, [out];\n",
    );
    for (index, case) in cases.iter().enumerate() {
        let operands: Vec<_> = case
            .sources
            .iter()
            .enumerate()
            .map(|(place, value)| operand(value, &format!("%a{place}")))
            .collect();
        let names: Vec<_> = operands.iter().map(|(_, name)| name.clone()).collect();
        text += "{\n";
        text += &operands.into_iter().map(|(text, _)| text).collect::<String>();
        let at = index * 8;
        let width = width(&case.ty);
        if case.ty == "pred" {
            text += &format!(
                ".reg .pred %d; .reg .b32 %word;\n{} %d, {};\nselp.b32 %word, 1, 0, %d;\nst.global.b32 [%out+{at}], %word;\n",
                case.opcode,
                names.join(", ")
            );
        } else {
            text += &format!(
                ".reg .b{width} %d;\n{} %d, {};\nst.global.b{width} [%out+{at}], %d;\n",
                case.opcode,
                names.join(", ")
            );
        }
        text += "}\n";
    }
    text + "ret; }\n"
}

fn check(name: &str) {
    let cases = cases(name);
    let memory = Memory::new(1 << 20);
    let out = memory.allocate(cases.len() as u64 * 8).unwrap();
    let run =
        Run { blocks: [1; 3], threads: 32, shared: 0, parameters: Parameters::default().long(out) };
    if let Err(error) = run_kernel(&kernel(&cases), &run, &memory, &Settings::default()) {
        panic!("{error}");
    }
    let mut wrong = vec![];
    for (index, case) in cases.iter().enumerate() {
        let mut bytes = [0; 8];
        memory.read(out + index as u64 * 8, &mut bytes).unwrap();
        let width = width(&case.ty).max(16);
        let answer = u64::from_le_bytes(bytes) & (u64::MAX >> (64 - width));
        if answer != case.wanted {
            wrong.push(format!("{}: {answer:#x}, not {:#x}", case.line, case.wanted));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn integers() {
    check("integer");
}

#[test]
fn fractions() {
    check("float");
}
