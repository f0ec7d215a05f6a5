//! A program that a test put together, in a session: the compiler's own way leads through the choice of kernels.

use ocellus_codegen as codegen;
use ocellus_compiler::Target;
use ocellus_compiler::passes::HostProgram;
use ocellus_frontend::Model;
use ocellus_kernels::CpuTarget;
use ocellus_runtime::artifact::{ArtifactContents, ArtifactWriter, VariantContents};
use ocellus_runtime::{Options, Session};

/// The session of a host program with the weights of a model.
pub fn session(model: &Model, host: HostProgram, cpu: &CpuTarget, threads: usize) -> Session {
    let full = codegen::Optimization::Full;
    let code = codegen::compile_kernels(&host.kernels, Some(&host.plan), cpu, full, None).unwrap();
    let target = Target::Cpu(*cpu).requirements();
    let variant = VariantContents { target, plan: host.plan, code: code.bytes };
    let contents = ArtifactContents::new(&model.name, vec![variant]);
    let mut writer = ArtifactWriter::in_memory(contents).unwrap();
    for weight in &host.weights {
        let packed = weight.pack(model.weights.as_ref()).unwrap();
        writer.write_weight(&weight.name(), [packed.bytes]).unwrap();
    }
    // SAFETY: the artifact was compiled above.
    unsafe { Session::new(writer.finish().unwrap(), Options { threads, ..Options::default() }) }
        .unwrap()
}
