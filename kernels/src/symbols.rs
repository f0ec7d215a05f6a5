//! [`symbols`]: the names under which a code object exports its kernels.
//!
//! ```text
//! gemm_768x3072_layer_norm_bias_f32        what the kernel is, in words
//! gemm_768x3072_layer_norm_bias_f32_2      another of which the same words are true: its eps is another
//! ```

use crate::Kernel;
use indexmap::{IndexMap, IndexSet};

/// The symbols of the kernels of one code object, in their order. Different kernels have different ones, equal ones are in
/// it once.
pub fn symbols<'k>(kernels: impl IntoIterator<Item = &'k Kernel>) -> IndexMap<&'k Kernel, String> {
    let mut symbols: IndexMap<&Kernel, String> = IndexMap::new();
    let mut taken: IndexSet<String> = IndexSet::new();
    for kernel in kernels {
        if symbols.contains_key(kernel) {
            continue;
        }
        let words = kernel.name();
        let numbered = (2..).map(|number: u64| format!("{words}_{number}"));
        let mut candidates = std::iter::once(words.clone()).chain(numbered);
        let free = candidates.find(|symbol| !taken.contains(symbol));
        let symbol = free.unwrap_or(words);
        taken.insert(symbol.clone());
        symbols.insert(kernel, symbol);
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CpuTarget, Layout, launch};
    use ocellus_dialects::kernel::{EpilogueOp, KernelOp, Prologue};
    use ocellus_dialects::venc::Scale;
    use ocellus_dialects::{ElementType, TensorType};

    /// A kernel that multiplies by a number, which its words do not say.
    fn scale(by: f64) -> Kernel {
        let layout = Layout::contiguous(&TensorType::new(ElementType::F32, [100, 19]));
        let (prologue, epilogue) =
            (Prologue::None, vec![EpilogueOp::Elementwise(Scale { factor: by }.into())]);
        let op = KernelOp::RowWise { prologue, epilogue, to: ElementType::F32 };
        launch(&op, std::slice::from_ref(&layout), &layout, CpuTarget::X86_64_V3).unwrap().kernel
    }

    #[test]
    fn kernels_of_the_same_words_are_numbered_and_equal_ones_are_one() {
        let kernels = [scale(0.5), scale(0.25), scale(0.5), scale(-0.0), scale(0.0)];
        let symbols = symbols(&kernels);
        let names: Vec<&str> = symbols.values().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "rowwise_19_scale_f32",
                "rowwise_19_scale_f32_2",
                "rowwise_19_scale_f32_3",
                "rowwise_19_scale_f32_4"
            ]
        );
        assert_eq!(symbols[&kernels[2]], "rowwise_19_scale_f32");
    }
}
