//! [`Tower`]: where in a checkpoint an encoder's weights lie, and what they are called there.

use super::names::{self, Renaming};
use crate::nn::WeightNames;
use ocellus_checkpoint::Checkpoint;
use std::collections::BTreeMap;

/// Where in a checkpoint an encoder's weights lie, and what they are called there.
#[derive(Clone, Debug, Default)]
pub(super) struct Tower {
    /// What stands before the names of its weights, without the last dot; nothing where it is alone.
    pub path: String,
    renamed: &'static [Renaming],
    /// The tensors of each weight, by its published name without the path.
    tensors: BTreeMap<String, Vec<String>>,
    /// Whether some tensor has a name of `transformers` 5.
    has_new_names: bool,
}

impl Tower {
    /// The tower of that path, all of whose weights are named as published.
    pub fn under(path: &str) -> Self {
        Tower { path: path.to_string(), ..Tower::default() }
    }

    /// The tower of that path in a checkpoint that may have new names for what is `renamed`. A weight that is there under
    /// two names is an error, which says so.
    pub fn of(
        checkpoint: &Checkpoint,
        path: &str,
        renamed: &'static [Renaming],
    ) -> Result<Self, String> {
        let mut tower = Tower { renamed, ..Tower::under(path) };
        let mut tensors: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for tensor in checkpoint.names() {
            let Some(inside) = tower.inside(tensor) else { continue };
            let published = names::published(renamed, inside);
            tower.has_new_names |= published.name != inside;
            if let Some(first) = tensors.get(&published.name).filter(|is| **is != published.parts) {
                let first = first.first().map(|first| tower.weight(first)).unwrap_or_default();
                return Err(format!(
                    "one weight is there twice, as `{first}` and as `{tensor}`: keep the one that is meant"
                ));
            }
            tensors.insert(published.name, published.parts);
        }
        tower.tensors = tensors;
        Ok(tower)
    }

    /// Whether the checkpoint has a weight of that published name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The full name of one of its weights.
    pub fn weight(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    /// The name inside the tower of a tensor of the checkpoint; `None` where it lies outside.
    pub fn inside<'a>(&self, name: &'a str) -> Option<&'a str> {
        if self.path.is_empty() {
            return Some(name);
        }
        name.strip_prefix(&self.path)?.strip_prefix('.')
    }

    /// The path of what the tower is a part of.
    pub fn parent(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }
}

impl WeightNames for Tower {
    /// The tensors that are there; where none is, those that the checkpoint would have in the manner of its others.
    fn tensors_of(&self, name: &str) -> Vec<String> {
        let Some(inside) = self.inside(name) else { return vec![name.to_string()] };
        let tensors = match self.tensors.get(inside) {
            Some(tensors) => tensors.clone(),
            None if self.has_new_names => names::new(self.renamed, inside),
            None => return vec![name.to_string()],
        };
        tensors.iter().map(|tensor| self.weight(tensor)).collect()
    }
}
