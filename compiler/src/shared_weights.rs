//! The weights of programs for several targets, each once.

use crate::passes::{PackedWeight, WeightRecipe};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashSet;

/// The tensors that the programs read, those together that are made of the same: what one needs of the checkpoint is in memory
/// when the next is packed. Tensors of one name have the same bytes, whatever program reads them.
pub fn shared_weights<'a>(
    programs: impl IntoIterator<Item = &'a [PackedWeight]>,
) -> Vec<PackedWeight> {
    let mut names = HashSet::new();
    let mut made_of: IndexMap<&WeightRecipe, IndexSet<&PackedWeight>> = IndexMap::new();
    for weight in programs.into_iter().flatten() {
        if names.insert(weight.name()) {
            made_of.entry(&weight.recipe).or_default().insert(weight);
        }
    }
    made_of.into_values().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compiler, Target};
    use ocellus_checkpoint::RandomWeights;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::symbolic::SymbolRange;
    use ocellus_dialects::venc::Activation;
    use ocellus_frontend::Model;
    use ocellus_frontend::nn::{self, Mlp};
    use ocellus_kernels::CpuTarget;

    /// The names of the weights for each of some targets, and of those for all together.
    fn names(element: ElementType, cpus: &[CpuTarget]) -> (Vec<Vec<String>>, Vec<String>) {
        let module = nn::build(element, |nn| {
            let rows = nn.symbol("rows", SymbolRange::new(1, 8))?;
            let [x] = nn.inputs([("x", vec![rows, 64.into()])])?;
            nn.result("y", &nn.apply("mlp", &Mlp::new(256, Activation::Silu), &x)?)
        });
        let module = module.unwrap();
        let weights = RandomWeights::new(&module, 3);
        let model = Model::new("mlp", module, weights).unwrap();
        let programs: Vec<Vec<PackedWeight>> = cpus
            .iter()
            .map(|cpu| Compiler::new(Target::Cpu(*cpu)).stages(&model).unwrap().host.weights)
            .collect();
        let names = |weights: &[PackedWeight]| weights.iter().map(PackedWeight::name).collect();
        let all = shared_weights(programs.iter().map(Vec::as_slice));
        (programs.iter().map(|weights| names(weights)).collect(), names(&all))
    }

    #[test]
    fn what_targets_pack_alike_is_there_once() {
        let like = [CpuTarget::X86_64_V4, CpuTarget::X86_64_V4_BF16];
        let (each, all) = names(ElementType::F32, &like);
        assert_eq!(each[0], each[1]);
        assert_eq!(all.len(), each[0].len());
    }

    #[test]
    fn what_they_pack_otherwise_is_there_for_each_and_lies_beside_it() {
        let unlike = [CpuTarget::X86_64_V3, CpuTarget::X86_64_V4, CpuTarget::X86_64_V4_BF16];
        let (each, all) = names(ElementType::BF16, &unlike);
        let distinct: HashSet<&String> = each.iter().flatten().collect();
        assert_eq!(all.len(), distinct.len());
        let panels = |name: &String| name.split(" in ").nth(1).map(String::from);
        let packed: Vec<String> = all.iter().filter_map(panels).collect();
        assert_eq!(packed[..3], ["panels of 16", "panels of 32", "panels of 32 pairs"]);
        // Biases are rows for all of them.
        assert!(all.len() < each.iter().map(Vec::len).sum());
    }
}
