//! No wildcard over operations: a new one must not pass a `match` unnoticed.

use super::modules::Modules;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, ExprMatch, ItemImpl, Pat, PatTupleStruct, Path, Type};

/// The enums that have a variant for each operation, each launch, each step of one, or each term. Whoever matches one of
/// them says something of all.
const OPERATIONS: [&str; 28] = [
    "ArithmeticTerm",
    "Arranged",
    "BoundSource",
    "Broadcast",
    "Combine",
    "Elementwise",
    "EpilogueOp",
    "EpilogueStep",
    "EpilogueTerm",
    "Family",
    "FusedStep",
    "Kernel",
    "KernelOp",
    "ListTerm",
    "Mask",
    "Moved",
    "Movement",
    "Op",
    "OperandTerm",
    "ProductTerm",
    "Prologue",
    "RowEpilogue",
    "RowPrologue",
    "RowSource",
    "RowsTerm",
    "StepTerm",
    "Term",
    "View",
];

/// The wildcards over operations in these modules.
pub(super) fn wildcards(modules: &Modules) -> Vec<String> {
    let mut faults = vec![];
    for module in modules.values() {
        let mut search = Search { file: &module.file, owner: None, faults: &mut faults };
        // What stands in a module within this file is a module of its own.
        let items = module.items.iter().filter(|item| !matches!(item, syn::Item::Mod(_)));
        items.for_each(|item| search.visit_item(item));
    }
    faults
}

/// A walk over the expressions of a file.
struct Search<'a> {
    file: &'a str,
    /// What `Self` is.
    owner: Option<String>,
    faults: &'a mut Vec<String>,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let owner = match &*item.self_ty {
            Type::Path(owner) => owner.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, owner);
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        let mut names = Names { owner: self.owner.as_deref(), found: None };
        expression.arms.iter().for_each(|arm| names.visit_pat(&arm.pat));
        if let Some(name) = names.found {
            let inside = constructors(&expression.arms, self.owner.as_deref());
            for arm in expression.arms.iter().filter(|arm| is_open(&arm.pat, &inside)) {
                let (file, line) = (self.file, arm.pat.span().start().line);
                self.faults.push(format!(
                    "{file}:{line}: a wildcard over `{name}` lets a new variant pass unnoticed: name the others, or ask \
                     a method of `{name}`"
                ));
            }
        }
        visit::visit_expr_match(self, expression);
    }
}

/// A search for variants of [`OPERATIONS`] in patterns.
struct Names<'a> {
    owner: Option<&'a str>,
    found: Option<String>,
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let Some(owner) = path.segments.iter().rev().nth(1) else { return };
        let owner = owner.ident.to_string();
        let name = if owner == "Self" { self.owner.unwrap_or("Self") } else { &owner };
        if OPERATIONS.contains(&name) {
            self.found.get_or_insert(name.to_string());
        }
    }

    // What a guard says is no pattern.
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

/// The variants inside which an arm names one of [`OPERATIONS`]: the `Some` of `Some(Op::Add(_))`.
fn constructors(arms: &[Arm], owner: Option<&str>) -> Vec<Path> {
    struct Search<'a>(Option<&'a str>, Vec<Path>);
    impl<'ast> Visit<'ast> for Search<'_> {
        fn visit_pat_tuple_struct(&mut self, pattern: &'ast PatTupleStruct) {
            let mut names = Names { owner: self.0, found: None };
            pattern.elems.iter().for_each(|inner| names.visit_pat(inner));
            if names.found.is_some() {
                self.1.push(pattern.path.clone());
            }
            visit::visit_pat_tuple_struct(self, pattern);
        }
    }
    let mut search = Search(owner, vec![]);
    arms.iter().for_each(|arm| search.visit_pat(&arm.pat));
    search.1
}

/// Whether a pattern takes whatever it is given, a guard aside, or whatever is in one of `constructors`.
fn is_open(pattern: &Pat, constructors: &[Path]) -> bool {
    let is_open = |pattern: &Pat| is_open(pattern, constructors);
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => {
            let is_constant = name.ident.to_string().starts_with(|c: char| c.is_uppercase());
            !is_constant && name.subpat.as_ref().is_none_or(|(_, inner)| is_open(inner))
        }
        Pat::Guard(guarded) => is_open(&guarded.pat),
        Pat::Paren(inner) => is_open(&inner.pat),
        Pat::Reference(inner) => is_open(&inner.pat),
        Pat::Or(either) => either.cases.iter().any(is_open),
        Pat::Tuple(tuple) => tuple.elems.iter().all(|inner| is_open(inner) || is_rest(inner)),
        Pat::TupleStruct(one) => constructors.contains(&one.path) && one.elems.iter().all(is_open),
        _ => false,
    }
}

fn is_rest(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Rest(_))
}

#[cfg(test)]
mod tests {
    use super::super::modules::Module;
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let items = syn::parse_file(text).unwrap().items;
        wildcards(&Modules::from([(vec![], Module { file: "a.rs".to_string(), items })]))
    }

    #[test]
    fn a_wildcard_over_operations_is_found() {
        let text = "
            fn f(op: &Op) -> bool {
                match op {
                    Op::Add(_) => true,
                    _ => false,
                }
            }
            impl Term {
                fn g(&self, op: Option<&venc::Op>) -> i64 {
                    match (self, op) {
                        (Self::Gemm(_), None) => 1,
                        (other, _) if other.is_leaf() => 2,
                        (Self::List(_), Some(_)) | (Self::End(_), _) => 3,
                    }
                }
            }
            fn h(op: Option<Op>) {
                match op { Some(Op::Add(_)) | None => {} Some(other) => drop(other) }
            }
            fn i(launch: KernelOp) -> bool {
                match launch {
                    KernelOp::Move(Op::Rope(_)) => true,
                    KernelOp::Move(_) => false,
                }
            }";
        let lines: Vec<String> = faults(text)
            .iter()
            .map(|fault| fault.split(" lets").next().unwrap().to_string())
            .collect();
        assert_eq!(
            lines,
            [
                "a.rs:5: a wildcard over `Op`",
                "a.rs:12: a wildcard over `Term`",
                "a.rs:18: a wildcard over `Op`",
                "a.rs:23: a wildcard over `KernelOp`"
            ]
        );
    }

    #[test]
    fn a_match_that_names_every_operation_is_none_and_neither_is_one_over_something_else() {
        let text = "
            fn f(op: Op, n: i64) -> bool {
                match op {
                    Op::Add(_) => n > 0,
                    Op::Scale(scale) if scale.factor == 1.0 => true,
                    Op::Scale(_) | Op::Cast(_) => match n { 0 => true, _ => false },
                }
            }";
        assert_eq!(faults(text), Vec::<String>::new());
    }
}
