//! Which file defines what a path names.

use super::modules::{ModulePath, Modules};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Item, ItemMacro, ItemMod, ItemUse, Macro, Path, UseTree, Visibility};

/// Re-exports that lead to each other end here.
const MAX_STEPS: usize = 32;

/// What is known of the names of a module.
#[derive(Default)]
struct Scope {
    /// What is defined here, modules aside.
    defined: BTreeSet<String>,
    /// What is imported, by the name that it has here.
    imported: BTreeMap<String, Vec<String>>,
    /// The modules of which everything is imported.
    globs: Vec<Vec<String>>,
    /// Whether macros make items here.
    has_made_items: bool,
}

/// What a path leads to.
enum Target {
    Module(ModulePath),
    /// Something that the module defines.
    Item(ModulePath),
}

/// The files that import others, with these and a name by which they do: where they name something that is defined there, by
/// whatever path. What a module makes of those inside it does not count, nor what it only hands on.
pub(super) fn imports(modules: &Modules) -> Vec<(String, String, String)> {
    let scopes: BTreeMap<&ModulePath, Scope> =
        modules.iter().map(|(path, module)| (path, Scope::of(&module.items))).collect();
    let names = Names { modules, scopes };
    let mut found = BTreeSet::new();
    for (path, module) in modules {
        let mut used = Used::default();
        module.items.iter().for_each(|item| used.visit_item(item));
        for named in &used.paths {
            let Some(Target::Item(of)) = names.resolve(path, named, MAX_STEPS) else { continue };
            let file = &modules[&of].file;
            // A module may string together what it is made of.
            if *file != module.file && !of.starts_with(path) {
                found.insert((module.file.clone(), file.clone(), named.join("::")));
            }
        }
    }
    found.into_iter().collect()
}

impl Scope {
    fn of(items: &[Item]) -> Self {
        let mut scope = Scope::default();
        for item in items {
            let name = match item {
                Item::Use(item) => {
                    scope.import(&mut vec![], &item.tree);
                    continue;
                }
                Item::Const(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Fn(item) => &item.sig.ident,
                Item::Macro(ItemMacro { ident: Some(name), .. }) => name,
                Item::Macro(ItemMacro { ident: None, .. }) => {
                    scope.has_made_items = true;
                    continue;
                }
                Item::Static(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                _ => continue,
            };
            scope.defined.insert(name.to_string());
        }
        scope
    }

    fn import(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        let path = |last: &dyn ToString| {
            let last = last.to_string();
            before.iter().cloned().chain((last != "self").then_some(last)).collect::<Vec<_>>()
        };
        match tree {
            UseTree::Path(inner) => {
                before.push(inner.ident.to_string());
                self.import(before, &inner.tree);
                before.pop();
            }
            UseTree::Name(name) => {
                let path = path(&name.ident);
                self.imported.extend(path.last().cloned().map(|last| (last, path)));
            }
            UseTree::Rename(renamed) => {
                self.imported.insert(renamed.rename.to_string(), path(&renamed.ident));
            }
            UseTree::Glob(_) => self.globs.push(before.clone()),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(before, tree));
            }
        }
    }
}

struct Names<'a> {
    modules: &'a Modules,
    scopes: BTreeMap<&'a ModulePath, Scope>,
}

impl Names<'_> {
    /// What a path leads to from a module; `None` where that is another crate, or nothing that is known.
    fn resolve(&self, from: &ModulePath, path: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(vec![]),
            "self" => Target::Module(from.clone()),
            "super" => Target::Module(from.split_last()?.1.to_vec()),
            name => self.look_up(from, name, steps)?,
        };
        for name in rest {
            target = match target {
                Target::Module(module) if name == "super" => {
                    Target::Module(module.split_last()?.1.to_vec())
                }
                Target::Module(module) => {
                    let known = self.look_up(&module, name, steps);
                    known.unwrap_or_else(|| Target::Item(self.maker(module, steps)))
                }
                Target::Item(_) => return Some(target),
            };
        }
        Some(target)
    }

    /// The module whose macros make what `module` has, and no item is.
    fn maker(&self, module: ModulePath, steps: usize) -> ModulePath {
        let Some(scope) = self.scopes.get(&module).filter(|scope| !scope.has_made_items) else {
            return module;
        };
        let of_glob = |glob: &Vec<String>| match self.resolve(&module, glob, steps)? {
            Target::Module(of) if self.scopes.get(&of)?.has_made_items => Some(of),
            Target::Module(_) | Target::Item(_) => None,
        };
        scope.globs.iter().find_map(of_glob).unwrap_or(module)
    }

    fn look_up(&self, module: &ModulePath, name: &str, steps: usize) -> Option<Target> {
        let scope = self.scopes.get(module)?;
        let child: ModulePath = module.iter().cloned().chain([name.to_string()]).collect();
        if scope.defined.contains(name) {
            return Some(Target::Item(module.clone()));
        }
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        if let Some(path) = scope.imported.get(name) {
            return self.resolve(module, path, steps);
        }
        scope.globs.iter().find_map(|glob| match self.resolve(module, glob, steps)? {
            Target::Module(of) => self.look_up(&of, name, steps.checked_sub(1)?),
            Target::Item(_) => None,
        })
    }
}

/// The paths that the items of a module name, those aside that it only hands on.
#[derive(Default)]
struct Used {
    paths: BTreeSet<Vec<String>>,
}

impl Used {
    /// The paths in the text that a macro is given.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = vec![];
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.add(std::mem::take(&mut path));
                    self.tokens(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.add(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.add(path);
    }

    fn add(&mut self, path: Vec<String>) {
        if !path.is_empty() {
            self.paths.insert(path);
        }
    }

    fn tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(inner) => {
                before.push(inner.ident.to_string());
                self.tree(before, &inner.tree);
                before.pop();
            }
            UseTree::Name(name) => self.last(before, &name.ident.to_string()),
            UseTree::Rename(renamed) => self.last(before, &renamed.ident.to_string()),
            // Its names count where they are used.
            UseTree::Glob(_) => {}
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }

    fn last(&mut self, before: &[String], name: &str) {
        let name = (name != "self").then(|| name.to_string());
        self.add(before.iter().cloned().chain(name).collect());
    }
}

impl<'ast> Visit<'ast> for Used {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // What is handed on is imported only where it is used beside.
        if matches!(item.vis, Visibility::Inherited) {
            self.tree(&mut vec![], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    // What a macro is made of is named where it is used.
    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        if item.ident.is_none() {
            self.visit_macro(&item.mac);
        }
    }

    // A module of its own.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}
}
