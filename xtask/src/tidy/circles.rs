//! No circles of imports between the files of a crate: who reads one file must not have to read another first that needs it.
//!
//! A file imports another where it names something that is defined there, by whatever path. A module may string together those
//! inside it, which take of it what they share; these must not import each other in a circle. What tests alone need does not
//! count.

use super::modules::Modules;
use super::names::imports;
use std::collections::{BTreeMap, BTreeSet};

/// Imports that lie on a circle and stay, with the reason: `(file, file that it imports, reason)`.
const ALLOWED: [(&str, &str, &str); 2] = [
    (
        "dialects/src/venc/operation.rs",
        "dialects/src/venc/operations/mod.rs",
        "a declaration makes an `Op`, which is made of what is declared",
    ),
    (
        "compiler/frontend/src/nn/tensor.rs",
        "compiler/frontend/src/nn/scope.rs",
        "what is done to a tensor is recorded, and makes a tensor",
    ),
];

/// The files that each file imports, and a name by which it does.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The circles among these modules.
pub(super) fn circles(modules: &Modules) -> Vec<String> {
    let mut graph = Graph::new();
    for (from, to, name) in imports(modules) {
        graph.entry(from).or_default().entry(to).or_insert(name);
    }
    for (from, to, _) in ALLOWED {
        if let Some(imported) = graph.get_mut(from) {
            imported.remove(to);
        }
    }
    components(&graph).iter().map(|files| shown(&graph, files)).collect()
}

/// The allowed imports that are none, or on no circle.
pub(super) fn allowed_in_vain(all: &[Modules]) -> Vec<String> {
    let imports: BTreeSet<(String, String)> =
        all.iter().flat_map(imports).map(|(from, to, _)| (from, to)).collect();
    let is_vain = |(from, to, _): &&(&str, &str, &str)| {
        let mut reached = BTreeSet::from([*to]);
        let mut open = vec![*to];
        while let Some(file) = open.pop() {
            let next = imports.iter().filter(|(from, _)| from == file).map(|(_, to)| to.as_str());
            open.extend(next.filter(|to| reached.insert(to)));
        }
        !imports.contains(&(from.to_string(), to.to_string())) || !reached.contains(from)
    };
    let fault = |(from, to, _): &(&str, &str, &str)| {
        format!("{from} may import {to}, and needs no leave to")
    };
    ALLOWED.iter().filter(is_vain).map(fault).collect()
}

/// The sets of files each of which imports all others of its set, by way of these.
fn components(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            let next = graph.get(file).into_iter().flat_map(BTreeMap::keys);
            open.extend(next.filter(|to| reached.insert((*to).clone())));
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|file| (file, reached(file))).collect();
    let mut found: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (file, behind) in &reached {
        let is_in_circle =
            |other: &&String| reached.get(*other).is_some_and(|behind| behind.contains(*file));
        let circle: BTreeSet<String> = behind.iter().filter(is_in_circle).cloned().collect();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

/// A circle by its imports.
fn shown(graph: &Graph, files: &BTreeSet<String>) -> String {
    let mut text =
        "files import each other; move what both need into one that imports neither:".to_string();
    for file in files {
        let imported = graph.get(file).into_iter().flatten();
        for (to, name) in imported.filter(|(to, _)| files.contains(*to)) {
            text += &format!("\n    {file} imports {to} for `{name}`");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::modules::{Module, ModulePath};
    use super::*;

    fn modules(files: &[(&str, &str)]) -> Modules {
        let module = |(path, text): &(&str, &str)| {
            let names: ModulePath =
                path.split("::").filter(|n| !n.is_empty()).map(String::from).collect();
            let items = syn::parse_file(text).unwrap().items;
            (names, Module { file: format!("{path}.rs"), items })
        };
        files.iter().map(module).collect()
    }

    #[test]
    fn files_that_name_what_the_other_defines_are_a_circle() {
        let found = circles(&modules(&[
            ("", "mod a; mod b; pub use a::A;"),
            ("a", "use crate::b::helper; pub struct A; fn f() { helper() }"),
            ("b", "use super::A; pub fn helper(_: Option<A>) {}"),
        ]));
        assert_eq!(
            found,
            ["files import each other; move what both need into one that imports neither:\
              \n    a.rs imports b.rs for `crate::b::helper`\n    b.rs imports a.rs for `A`"]
        );
    }

    #[test]
    fn a_module_may_use_and_hand_on_what_it_is_made_of() {
        let found = circles(&modules(&[
            (
                "",
                "mod a; mod c; pub use a::A; pub use c::*; pub struct Error; fn f() -> A { a::make() }",
            ),
            ("a", "use super::Error; pub struct A(Error); pub fn make() -> A {}"),
            ("c", "pub enum C { Of(crate::A) }"),
        ]));
        assert_eq!(found, Vec::<String>::new());
    }
}
