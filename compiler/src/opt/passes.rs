//! The passes that can be run by name, each on the text of a program.

use crate::passes::{PassError, inline_calls, plan};
use ocellus_dialects::symbolic::Region;
use ocellus_dialects::{AnyModule, Dialect, kernel};
use ocellus_kernels::CpuTarget;
use ocellus_rewrite::{PieceProgram, RewriteError, raise, specialize};

/// A pass from text to text.
pub struct NamedPass {
    /// Its name.
    pub name: &'static str,
    /// The dialect of what it is given.
    pub takes: Dialect,
    /// What it does; `None` where it is given another dialect.
    pub(super) run: fn(AnyModule, &CpuTarget) -> Result<Option<AnyModule>, NamedPassError>,
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
    NamedPass {
        name: "specialize",
        takes: Dialect::Venc,
        run: |program, _| match program {
            AnyModule::Venc(module) => Ok(Some(AnyModule::Venc(specialize(&module)))),
            AnyModule::Kernel(_) | AnyModule::Plan(_) => Ok(None),
        },
    },
    // Each call becomes the steps of its callee.
    NamedPass {
        name: "inline-calls",
        takes: Dialect::Kernel,
        run: |program, _| match program {
            AnyModule::Kernel(module) => {
                let functions = vec![inline_calls(&module)?];
                Ok(Some(AnyModule::Kernel(kernel::Module { functions, ..module })))
            }
            AnyModule::Venc(_) | AnyModule::Plan(_) => Ok(None),
        },
    },
    // Launches become those of a host program: views addresses, values memory, weights what is packed.
    NamedPass {
        name: "plan",
        takes: Dialect::Kernel,
        run: |program, target| match program {
            AnyModule::Kernel(module) => {
                let interface = raise(&module)?;
                let piece = PieceProgram { region: Region::default(), module };
                Ok(Some(AnyModule::Plan(plan(&interface, &[piece], target)?.plan)))
            }
            AnyModule::Venc(_) | AnyModule::Plan(_) => Ok(None),
        },
    },
    // Launches become the mathematics that they mean.
    NamedPass {
        name: "read-back",
        takes: Dialect::Kernel,
        run: |program, _| match program {
            AnyModule::Kernel(module) => Ok(Some(AnyModule::Venc(raise(&module)?))),
            AnyModule::Venc(_) | AnyModule::Plan(_) => Ok(None),
        },
    },
];
