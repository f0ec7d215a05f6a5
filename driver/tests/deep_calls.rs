//! Functions that call functions: a chain is compiled, one that is too long is told, and so is a circle.

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

mod support;

use support::{Outcome, ocellus, serialize};

const TYPE: &str = r#"tensor<?x8xf32, ["images"]>"#;

/// Compiles a program whose first function calls the second, and so on; the last scales, or calls `last`.
fn compile_chain(functions: usize, last: Option<&str>) -> Outcome {
    let call = |callee: &str| format!("func.call @{callee}(%x) : ({TYPE}) -> {TYPE}");
    let scale = format!("\"venc.scale\"(%x) {{factor = 0.5 : f64}} : ({TYPE}) -> {TYPE}");
    let bodies = (1..functions).map(|next| call(&format!("f{next}")));
    let bodies = bodies.chain([last.map_or(scale, call)]);
    let functions: String = bodies
        .enumerate()
        .map(|(number, body)| {
            format!(
                "func.func @f{number}(%x: {TYPE} {{venc.name = \"x\"}}) -> ({TYPE} {{venc.name = \"y\"}}) {{\n\
                 %0 = {body}\nfunc.return %0 : {TYPE}\n}}\n"
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.mlir");
    let head = "module attributes {venc.entry = @f0, venc.symbols = [\"images in 1..=4\"]}";
    std::fs::write(&path, format!("{head} {{\n{functions}}}\n")).unwrap();
    std::fs::write(path.with_extension("safetensors"), serialize(&[])).unwrap();
    ocellus(["compile".as_ref(), path.as_path(), "-o".as_ref(), &folder.path().join("artifact")])
}

#[test]
fn a_chain_of_functions_is_no_circle() {
    compile_chain(40, None).success();
    compile_chain(257, None).success();
    compile_chain(258, None).failure(1, &["the calls of `@f0` nest more than 256 deep"]);
    compile_chain(1000, None).failure(1, &["nest more than 256 deep"]);
}

#[test]
fn a_circle_of_functions_is_told() {
    for (functions, last) in [(1, "f0"), (3, "f1"), (40, "f0")] {
        compile_chain(functions, Some(last))
            .failure(1, &["lead into a circle: no function may call itself"]);
    }
}
