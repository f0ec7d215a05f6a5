//! Joins PTX modules into one.
//!
//! ```text
//! .version 7.0                            .version 7.0
//! .target sm_80                           .target sm_80
//! .address_size 64                        .address_size 64
//! .extern .shared .. dynamic[];     +     .extern .shared .. dynamic[];
//! .visible .entry gemm(..) {..}           .visible .entry attention(..) {..}
//! ```
//! is the left with the last line of the right.

use std::collections::HashSet;

/// What is once in a module: how it begins, and memory that its kernels have one name for.
const ONCE: [&str; 4] = [".version", ".target", ".address_size", ".extern .shared"];

/// One module with what all of these have, in their order. They are for one target.
pub(in super::super) fn joined(modules: &[String]) -> String {
    let (mut joined, mut there) = (String::new(), HashSet::new());
    for line in modules.iter().flat_map(|module| module.lines()) {
        let is_once = ONCE.iter().any(|start| line.starts_with(start));
        if !is_once || there.insert(line) {
            joined.push_str(line);
            joined.push('\n');
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_modules_have_alike_is_there_once() {
        let module = |name: &str| {
            let shared = ".extern .shared .align 128 .b8 dynamic[];";
            format!(
                ".version 7.0\n.target sm_80\n{shared}\n.visible .entry {name}() {{\n\tret;\n}}\n"
            )
        };
        let one = module("a");
        assert_eq!(joined(std::slice::from_ref(&one)), one);
        let both = joined(&[one.clone(), module("b")]);
        assert_eq!(both, format!("{one}.visible .entry b() {{\n\tret;\n}}\n"));
    }
}
