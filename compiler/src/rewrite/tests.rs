//! What is chosen for the blocks of real encoders.

use super::{Switches, TargetDescription, choose};
use crate::frontend::Model;
use crate::frontend::hugging_face;
use ocellus_dialects::kernel;
use ocellus_dialects::symbolic::{Bindings, Symbols};
use std::path::Path;

fn golden(name: &str) -> Model {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens").join(name);
    hugging_face::load(directory.join("model")).unwrap()
}

/// The least value of every symbol's range.
fn smallest(symbols: &Symbols) -> Bindings {
    let free = symbols.free().map(|(symbol, range)| (symbol.clone(), range.min)).collect();
    symbols.bind(&free).unwrap()
}

fn chosen(name: &str) -> kernel::Module {
    let model = golden(name);
    let target = TargetDescription::named("x86-64-avx512").unwrap();
    let at = smallest(&model.module.symbols);
    choose(&model.module, &at, &target, &Switches::default()).unwrap().0
}

/// The kernels of one layer, in a few words each.
fn layer_of(name: &str) -> String {
    let module = chosen(name);
    module.function("layer").unwrap().to_string()
}

#[test]
fn a_pre_norm_block_is_five_kernels() {
    insta::assert_snapshot!(layer_of("vit-base"));
}
