//! The modules of a crate as they are written: which file holds each, which are tests, what a file is parsed to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::{Attribute, Item, Meta};

/// The path of a module from the root of its crate: `["venc", "operations"]`.
pub(super) type ModulePath = Vec<String>;

/// A module, inline or a file.
pub(super) struct Module {
    /// The file that holds it, from the root of the repository.
    pub(super) file: String,
    /// What it holds.
    pub(super) items: Vec<Item>,
}

/// The modules that are built when no test is, by their paths.
pub(super) type Modules = BTreeMap<ModulePath, Module>;

/// The modules of each library and each program whose root lies in that folder of sources.
pub(super) fn targets(repository: &Path, sources: &Path) -> Result<Vec<Modules>, String> {
    let mut roots = vec![sources.join("lib.rs"), sources.join("main.rs")];
    if let Ok(entries) = std::fs::read_dir(sources.join("bin")) {
        roots.extend(entries.flatten().map(|entry| entry.path()));
    }
    roots.sort();
    let mut targets = vec![];
    for root in roots.iter().filter(|root| root.is_file()) {
        let mut modules = Modules::new();
        let folder = root.parent().unwrap_or(sources);
        read(repository, root, folder, vec![], &mut modules)?;
        targets.push(modules);
    }
    Ok(targets)
}

/// Adds the module of a file, and those that it declares, whose files lie in `folder`.
fn read(
    repository: &Path,
    file: &Path,
    folder: &Path,
    path: ModulePath,
    modules: &mut Modules,
) -> Result<(), String> {
    let name = file.strip_prefix(repository).unwrap_or(file).display().to_string();
    let text = super::read(file)?;
    let items = syn::parse_file(&text).map_err(|error| format!("{name}: {error}"))?.items;
    add(repository, &name, folder, path, items, modules)
}

fn add(
    repository: &Path,
    file: &str,
    folder: &Path,
    path: ModulePath,
    items: Vec<Item>,
    modules: &mut Modules,
) -> Result<(), String> {
    let items: Vec<Item> = items.into_iter().filter(|item| !is_test(item)).collect();
    for item in &items {
        let Item::Mod(declared) = item else { continue };
        let name = declared.ident.to_string();
        let child: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
        match &declared.content {
            Some((_, inner)) => {
                add(repository, file, &folder.join(&name), child, inner.clone(), modules)?;
            }
            None => {
                let file = file_of(folder, &name);
                read(repository, &file, &folder.join(&name), child, modules)?;
            }
        }
    }
    modules.insert(path, Module { file: file.to_string(), items });
    Ok(())
}

fn file_of(folder: &Path, module: &str) -> PathBuf {
    let nested = folder.join(module).join("mod.rs");
    if nested.is_file() { nested } else { folder.join(format!("{module}.rs")) }
}

/// Whether an item is built for tests alone: what they do is no part of what the crate is.
fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}
