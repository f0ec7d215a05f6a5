//! The passes that can be run by name, each on the text of a program.

use crate::passes::{PassError, inline_calls, plan};
use ocellus_dialects::symbolic::Region;
use ocellus_dialects::{AnyModule, Dialect, kernel, venc};
use ocellus_kernels::Target;
use ocellus_rewrite::{PieceProgram, RewriteError, raise, specialize};

/// A pass from text to text.
pub struct NamedPass {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub(super) run: Run,
}

/// What a pass does, by the dialect that it takes.
pub(super) enum Run {
    /// To mathematics.
    Venc(fn(&venc::Module) -> venc::Module),
    /// To launches, for a target.
    Kernel(fn(kernel::Module, Target) -> Result<AnyModule, NamedPassError>),
}

impl NamedPass {
    /// The dialect of what it is given.
    pub fn takes(&self) -> Dialect {
        match self.run {
            Run::Venc(_) => Dialect::Venc,
            Run::Kernel(_) => Dialect::Kernel,
        }
    }
}

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum NamedPassError {
    /// No host program.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// A program that means nothing.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

/// Every pass from text to text, in the order in which a compilation has them; the last is the rewriter's, for looking back.
pub const PASSES: &[NamedPass] = &[
    // A symbol of one value becomes that value.
    NamedPass { name: "specialize", run: Run::Venc(specialize) },
    // Each call becomes the steps of its callee.
    NamedPass {
        name: "inline-calls",
        run: Run::Kernel(|module, _| {
            let functions = vec![inline_calls(&module)?];
            Ok(AnyModule::Kernel(kernel::Module { functions, ..module }))
        }),
    },
    // Launches become those of a host program: views addresses, values memory, weights what is packed.
    NamedPass {
        name: "plan",
        run: Run::Kernel(|module, target| {
            let interface = raise(&module)?;
            let piece = PieceProgram { region: Region::default(), module };
            Ok(AnyModule::Plan(plan(&interface, &[piece], target)?.plan))
        }),
    },
    // Launches become the mathematics that they mean.
    NamedPass {
        name: "read-back",
        run: Run::Kernel(|module, _| Ok(AnyModule::Venc(raise(&module)?))),
    },
];
