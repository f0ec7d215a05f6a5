//! Finds the rewrite rule or the pass that makes a compiled model wrong.

use super::{Verdict, bisect};
use crate::compiler::Compiler;
use crate::error::CompileError;
use crate::switches::Pass;
use ocellus_frontend::Model;
use ocellus_rewrite::{self as rewrite, Group};
use std::collections::BTreeSet;

/// Compiles again and again with rules and passes left out, and says which are at fault. `faulty` says whether what a
/// compiler makes of the model is wrong; it also gets what that compiler leaves out.
///
/// Rules come first: without a pass another program may be chosen, in which a wrong rule does not show.
pub fn find_fault<E: From<CompileError>>(
    compiler: &Compiler,
    model: &Model,
    mut faulty: impl FnMut(&Compiler, &[String]) -> Result<bool, E>,
) -> Result<Verdict, E> {
    let fired = rules_that_fired(compiler, model)?;
    let is_recognition_needed = !compiles_without(compiler, model, Group::Recognition);
    let (needed, others): (Vec<_>, Vec<_>) =
        fired.into_iter().partition(|(group, _)| match group {
            Group::Implementation => true,
            Group::Recognition => is_recognition_needed,
            Group::Exploration | Group::Fusion => false,
        });
    let passes = Pass::ALL.map(|pass| pass.name().to_string());
    let switchable: Vec<String> =
        others.iter().map(|(_, rule)| rule.to_string()).chain(passes).collect();
    let mut is_faulty = |off: &[String]| {
        let compiler = off.iter().fold(compiler.clone(), |compiler, name| compiler.disable(name));
        faulty(&compiler, off)
    };
    let verdict = bisect(&switchable, &mut is_faulty)?;
    if verdict != Verdict::NotSwitchable {
        return Ok(verdict);
    }
    // A rule that cannot be left out with all others, and without which alone the answer is right. Where no other kernel can
    // do the work, there is no program, and nothing is known of it.
    for (_, rule) in needed {
        let alone = [rule.to_string()];
        if is_faulty(&alone).is_ok_and(|faulty| !faulty) {
            return Ok(Verdict::Guilty(alone.to_vec()));
        }
    }
    Ok(verdict)
}

/// Whether the target has kernels for the model without the rules of a group. Not every target has one for each operation by
/// itself: a GPU multiplies f32 activations in attention alone, which must be recognized.
fn compiles_without(compiler: &Compiler, model: &Model, group: Group) -> bool {
    compiler.clone().disable(group.name()).stages(model).is_ok()
}

/// The rules that said something new of the model, in the order in which they are listed.
fn rules_that_fired(
    compiler: &Compiler,
    model: &Model,
) -> Result<Vec<(Group, &'static str)>, CompileError> {
    let program = compiler.stages(model)?;
    let functions = program.reports.iter().flat_map(|report| &report.functions);
    let statistics = functions.flat_map(|function| &function.saturation.rules);
    let fired: BTreeSet<&str> =
        statistics.filter(|(_, rule)| rule.fired > 0).map(|(name, _)| *name).collect();
    let rules = compiler.rules();
    let all = rules.all().map(|(group, rule): (Group, &'static rewrite::Rule)| (group, rule.name));
    Ok(all.filter(|(_, name)| fired.contains(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::{self, BufferAssignment, PassError};
    use crate::verify::check_size;
    use ocellus_checkpoint::RandomWeights;
    use ocellus_dialects::ElementType;
    use ocellus_dialects::kernel::Function;
    use ocellus_dialects::symbolic::SymbolRange;
    use ocellus_dialects::symbolic::{Bindings, Symbol};
    use ocellus_dialects::venc::Activation;
    use ocellus_dialects::venc::ValueId;
    use ocellus_frontend::{hugging_face, nn};
    use ocellus_kernels::Target;
    use ocellus_rewrite::Rule;
    use ocellus_runtime::Options;
    use ocellus_runtime::devices::DeviceKind;
    use ocellus_runtime::devices::cuda::Driver;
    use std::path::Path;

    /// Wrong wherever it fires, and so cheap that it is always chosen.
    static NO_ACTIVATION: Rule = Rule {
        name: "no-activation",
        left: "(activate ?x ?f)",
        right: "?x",
        definitions: &[],
        conditions: &[],
        because: "It is not true.",
        example: "x: I T K, f: activation",
    };

    /// Every value of the size of the first buffer shares it, whoever still reads what is there.
    fn too_few_buffers(
        function: &Function,
        results: &[ValueId],
    ) -> Result<BufferAssignment, PassError> {
        let mut assignment = passes::buffer_for_each(function, results)?;
        let sizes = assignment.sizes.clone();
        for buffer in assignment.buffers.values_mut() {
            *buffer = sizes.iter().position(|size| *size == sizes[*buffer]).unwrap();
        }
        Ok(assignment)
    }

    fn compiler() -> Compiler {
        Compiler::new(Target::host().unwrap()).range("images", 1..=4)
    }

    /// The verdict on a ViT, and how often the model was compiled for it.
    fn verdict(compiler: &Compiler) -> (Verdict, usize) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens/vit-base/model");
        verdict_on(&hugging_face::load(golden).unwrap(), compiler, None)
    }

    /// The same on any model, run by that device.
    fn verdict_on(
        model: &Model,
        compiler: &Compiler,
        device: Option<DeviceKind>,
    ) -> (Verdict, usize) {
        let size = Bindings::from([(Symbol::new("images"), 2)]);
        let mut compilations = 0;
        let verdict = find_fault(compiler, model, |compiler, _| {
            compilations += 1;
            let options = Options { device, ..Options::default() };
            let compiled = compiler.compile_for(model, options)?;
            let (module, weights) = (&model.module, model.weights.as_ref());
            let check = check_size(module, weights, compiled.session(), &size).unwrap();
            Ok::<_, CompileError>(!check.passed())
        });
        (verdict.unwrap(), compilations)
    }

    /// Heads that attend to each other after an activation, in f32: without attention as one kernel, a GPU has none for them.
    fn attention_in_f32() -> Model {
        let module = nn::build(ElementType::F32, |nn| {
            let images = nn.symbol("images", SymbolRange::new(1, 4))?;
            let [x] = nn.inputs([("x", vec![images, 10.into(), 32.into()])])?;
            let heads = x.activate(Activation::Gelu)?.split_heads(2)?;
            let scores = heads.matmul_transposed(&heads)?.scale(0.25)?.softmax()?;
            nn.result("y", &scores.matmul(&heads)?.merge_heads()?)
        })
        .unwrap();
        let weights = RandomWeights::new(&module, 7);
        Model::new("attention", module, weights).unwrap()
    }

    #[test]
    fn a_wrong_rule_is_named_on_a_gpu_that_cannot_do_without_others() {
        let gpu = Target::from_name("sm_80").unwrap();
        let compiler = Compiler::new(gpu).disable("assemble");
        let wrong = compiler.clone().with_rule(Group::Exploration, &NO_ACTIVATION);
        let simulator = Some(DeviceKind::Cuda { driver: Driver::Simulator });
        let model = attention_in_f32();
        assert_eq!(verdict_on(&model, &compiler, simulator), (Verdict::NoFault, 1));
        let (verdict, compilations) = verdict_on(&model, &wrong, simulator);
        assert_eq!(verdict, Verdict::Guilty(vec![NO_ACTIVATION.name.to_string()]));
        assert!(compilations < 12, "{compilations}");
    }

    #[test]
    fn a_right_compiler_has_no_fault() {
        assert_eq!(verdict(&compiler()), (Verdict::NoFault, 1));
    }

    #[test]
    fn a_wrong_rule_is_named_and_no_other() {
        let compiler = compiler().with_rule(Group::Exploration, &NO_ACTIVATION);
        let (verdict, compilations) = verdict(&compiler);
        assert_eq!(verdict, Verdict::Guilty(vec![NO_ACTIVATION.name.to_string()]));
        assert!(compilations < 12, "{compilations}");
    }

    #[test]
    fn a_wrong_pass_is_named_and_no_other() {
        let (verdict, _) = verdict(&compiler().with_shared_buffers(too_few_buffers));
        assert_eq!(verdict, Verdict::Guilty(vec![Pass::ShareBuffers.name().to_string()]));
    }

    #[test]
    fn without_each_pass_the_answer_is_right() {
        for pass in Pass::ALL {
            assert_eq!(
                verdict(&compiler().disable(pass.name())),
                (Verdict::NoFault, 1),
                "{pass:?}"
            );
        }
    }
}
