//! Honest code with a plan that was edited: it is refused, or runs and stays inside its memory. A crash ends the test.
//!
//! Code that was compiled for its plan refuses every other. So that the checks behind that are met, most of these plans
//! come with code that was compiled for none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests")]

use ocellus_codegen::{Optimization, compile_kernels};
use ocellus_compiler::{Compiler, CpuTarget, Stages, Target};
use ocellus_dialects::plan::{Expression, LaunchArgument, Place, Plan};
use ocellus_frontend::hugging_face::load;
use ocellus_runtime::artifact::{ArtifactContents, ArtifactWriter, VariantContents};
use ocellus_runtime::{HostTensor, LoadError, Options, Outputs, Session, read_tensors};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens").join(name)
}

/// Each output, to the bit.
type Bits = Vec<(String, Vec<u32>)>;

/// A model, compiled.
struct Compiled {
    program: Stages,
    /// The kernels' code, for this plan alone and for any.
    bound_code: Vec<u8>,
    free_code: Vec<u8>,
    weights: Vec<(String, Vec<u8>)>,
    inputs: Vec<(String, HostTensor)>,
}

impl Compiled {
    fn new(name: &str) -> Self {
        let model = load(golden(name).join("model")).unwrap();
        let program = Compiler::new(Target::host().unwrap()).stages(&model).unwrap();
        let (kernels, target) = (&program.host.kernels, program.target);
        let code =
            |plan| compile_kernels(kernels, plan, target, Optimization::Full, None).unwrap().bytes;
        let (bound_code, free_code) = (code(Some(&program.host.plan)), code(None));
        let weights = program.host.weights.iter();
        let weights = weights
            .map(|weight| (weight.name(), weight.pack(model.weights.as_ref()).unwrap().bytes))
            .collect();
        let inputs = read_tensors(&golden(name).join("in.safetensors"), |_| false).unwrap();
        let inputs = inputs.into_iter().collect();
        Compiled { program, bound_code, free_code, weights, inputs }
    }

    fn session(&self, plan: Plan, code: &[u8]) -> Result<Session, LoadError> {
        let target = self.program.target.requirements();
        let variant = VariantContents { target, plan, code: code.to_vec() };
        let contents = ArtifactContents::new("edited", vec![variant]);
        let mut writer = ArtifactWriter::in_memory(contents).unwrap();
        for (name, bytes) in &self.weights {
            writer.write_weight(name, [bytes]).unwrap();
        }
        // SAFETY: the code was compiled above.
        unsafe {
            Session::new(writer.finish().unwrap(), Options { threads: 2, ..Options::default() })
        }
    }

    /// The outputs; `None` where the plan is refused.
    fn run(&self, plan: Plan) -> Option<Bits> {
        let session = self.session(plan, &self.free_code).ok()?;
        let inputs: Vec<(&str, &HostTensor)> =
            self.inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let outputs = session.run(&inputs).ok().map(bits);
        // As often as a caller may call: whatever the first left behind, the second meets. A plan that has a kernel read
        // what it writes gives other numbers each time.
        assert_eq!(session.run(&inputs).is_ok(), outputs.is_some());
        outputs
    }
}

fn bits(outputs: Outputs) -> Bits {
    let bits = |tensor: HostTensor| tensor.data.into_iter().map(f32::to_bits).collect();
    outputs.into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
}

type Edit = Box<dyn Fn(&mut Plan)>;

/// Each argument, each number of tiles and of scratch bytes, each kernel of the first program, and each dimension of an
/// output, replaced in turn.
fn edits(plan: &Plan) -> Vec<(String, Edit)> {
    let mut edits: Vec<(String, Edit)> = vec![];
    let launches = &plan.programs[0].launches;
    for (position, launch) in launches.iter().enumerate() {
        let at = format!("launch {position}");
        let mut edit = |what: &str, edit: Box<dyn Fn(&mut ocellus_dialects::plan::Launch)>| {
            let edit = move |plan: &mut Plan| edit(&mut plan.programs[0].launches[position]);
            edits.push((format!("{at}: {what}"), Box::new(edit)));
        };
        edit("the last argument less", Box::new(|launch| drop(launch.arguments.pop())));
        edit("the first argument less", Box::new(|launch| drop(launch.arguments.remove(0))));
        edit(
            "an argument more",
            Box::new(|launch| {
                launch.arguments.push(LaunchArgument::Integer(Expression::Constant(1)));
            }),
        );
        edit(
            "no scratch",
            Box::new(|launch| launch.schedule.scratch_bytes = Expression::Constant(0)),
        );
        for (what, change) in changes() {
            edit(
                &format!("tiles {what}"),
                Box::new(move |launch| {
                    launch.schedule.tiles = change(launch.schedule.tiles.clone())
                }),
            );
        }
        for kernel in 0..plan.kernels.len() {
            if kernel != launch.schedule.kernel {
                edit(
                    &format!("kernel {kernel}"),
                    Box::new(move |launch| launch.schedule.kernel = kernel),
                );
            }
        }
        for (argument, value) in launch.arguments.iter().enumerate() {
            match value {
                LaunchArgument::Integer(_) => {
                    for (what, change) in changes() {
                        edit(
                            &format!("argument {argument} {what}"),
                            Box::new(move |launch| {
                                if let LaunchArgument::Integer(value) =
                                    &mut launch.arguments[argument]
                                {
                                    *value = change(value.clone());
                                }
                            }),
                        );
                    }
                }
                LaunchArgument::Address { place, offset } => {
                    let places =
                        [Place::Input(0), Place::Weight(0), Place::Output(0), Place::Buffer(0)];
                    let elsewhere = places.into_iter().map(|place| (place, offset.clone()));
                    let further = [4, 64, 1 << 20].map(|bytes| {
                        (*place, Expression::Sum(vec![offset.clone(), Expression::Constant(bytes)]))
                    });
                    for (place, offset) in elsewhere.chain(further) {
                        let what = format!("argument {argument} at {place:?} + {offset:?}");
                        edit(
                            &what,
                            Box::new(move |launch| {
                                let offset = offset.clone();
                                launch.arguments[argument] =
                                    LaunchArgument::Address { place, offset };
                            }),
                        );
                    }
                }
            }
        }
    }
    for (output, port) in plan.outputs.iter().enumerate() {
        for axis in 0..port.shape.len() {
            for (what, change) in changes() {
                let edit = move |plan: &mut Plan| {
                    let dim = &mut plan.outputs[output].shape[axis];
                    *dim = change(dim.clone());
                };
                edits.push((format!("output {output}, axis {axis} {what}"), Box::new(edit)));
            }
        }
    }
    edits
}

type Change = fn(Expression) -> Expression;

/// Other numbers than the plan has.
fn changes() -> [(&'static str, Change); 7] {
    use Expression::{Constant, FloorDiv, Product, Sum};
    [
        ("is 0", |_| Constant(0)),
        ("is -1", |_| Constant(-1)),
        ("is 2^31 - 1", |_| Constant((1 << 31) - 1)),
        ("is 2^62", |_| Constant(1 << 62)),
        ("is one more", |value| Sum(vec![value, Constant(1)])),
        ("is doubled", |value| Product(vec![value, Constant(2)])),
        ("is halved", |value| FloorDiv(Box::new(value), 2)),
    ]
}

fn edited(compiled: &Compiled, edit: &Edit) -> Plan {
    let mut plan = compiled.program.host.plan.clone();
    edit(&mut plan);
    plan
}

#[test]
fn a_plan_around_honest_code_is_refused_or_stays_in_its_memory() {
    for name in ["vit-base", "dinov2-base"] {
        let compiled = Compiled::new(name);
        let right = compiled.run(compiled.program.host.plan.clone()).expect("the plan as it is");
        let (mut refused, mut same, mut other) = (0, 0, 0);
        for (what, edit) in edits(&compiled.program.host.plan) {
            // What no kernel can be given.
            let never = ["argument less", "argument more", "is -1", "is 2^62"];
            match compiled.run(edited(&compiled, &edit)) {
                None => refused += 1,
                Some(_) if never.iter().any(|never| what.contains(never)) => {
                    panic!("{name}: {what} is not refused")
                }
                Some(outputs) if outputs == right => same += 1,
                // Another of the model's values of that size, or fewer tokens: nothing that a signature tells apart.
                Some(_) => other += 1,
            }
        }
        println!("{name}: {refused} refused, {same} answer as before, {other} otherwise");
        assert!(refused > 3 * other, "{other} of {name} answer otherwise");
    }
}

#[test]
fn code_goes_with_the_plan_that_it_was_compiled_for_alone() {
    let compiled = Compiled::new("vit-base");
    let plan = &compiled.program.host.plan;
    assert!(compiled.session(plan.clone(), &compiled.bound_code).is_ok());
    for (what, edit) in edits(plan) {
        let edited = edited(&compiled, &edit);
        if edited == *plan {
            continue;
        }
        let error = compiled.session(edited, &compiled.bound_code).err().expect(&what);
        let LoadError::Device(error) = error else { panic!("{what}: {error}") };
        assert_eq!(
            error.to_string(),
            "the code object was compiled for another plan: compile the model again"
        );
    }
}

#[test]
fn code_goes_with_the_plan_of_its_own_variant() {
    let model = load(golden("vit-base").join("model")).unwrap();
    let cpus = [CpuTarget::X86_64_V3, CpuTarget::X86_64_V4].map(Target::Cpu);
    let both = Compiler::new(cpus[0]).and_for(cpus[1]);
    let (_, honest) = both.compile_artifact(&model, &mut |_| {}).unwrap();
    let variants = honest.variants().iter().zip(honest.variants().iter().rev());
    let swapped = variants.map(|(variant, other)| VariantContents {
        target: variant.target.clone(),
        plan: (*variant.plan).clone(),
        code: honest.code(other).to_vec(),
    });
    let contents = ArtifactContents::new("swapped", swapped.collect());
    let mut writer = ArtifactWriter::in_memory(contents).unwrap();
    let mut written = HashSet::new();
    for variant in honest.variants() {
        for (index, weight) in variant.plan.weights.iter().enumerate() {
            if written.insert(&weight.name) {
                let bytes = honest.weight(variant, index).unwrap();
                writer.write_weight(&weight.name, [bytes]).unwrap();
            }
        }
    }
    let options = Options { target: Some(cpus[0].name()), ..Options::default() };
    // SAFETY: the code was compiled above.
    let refused = unsafe { Session::new(writer.finish().unwrap(), options) };
    let Some(LoadError::Device(error)) = refused.err() else { panic!("it is loaded") };
    assert_eq!(
        error.to_string(),
        "the code object was compiled for another plan: compile the model again"
    );
}
