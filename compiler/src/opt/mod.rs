//! [`opt`]: passes, one rule, saturation or extraction on the text of a program, as `ocellus opt` does them.
//!
//! Whoever works on a rule writes ten lines, and sees what becomes of them:
//! ```text
//! $ ocellus opt --rule scale-of-scale two_scales.mlir
//! ```

mod passes;

pub use passes::{NamedPass, NamedPassError, PASSES};

use ocellus_dialects::symbolic::{Bindings, Symbol, Symbols};
use ocellus_dialects::venc::{self, ParseError};
use ocellus_dialects::{AnyModule, Dialect};
use ocellus_kernels::Target;
use ocellus_rewrite::{
    self as rewrite, Limits, RewriteError, Rewritten, RuleSwitches, Saturated, TargetDescription,
};
use passes::Run;
use std::collections::BTreeMap;

/// What to do to a program.
#[derive(Clone, Debug)]
pub struct OptOptions {
    /// Passes by name, in order. Those on launches come after the rewriting.
    pub passes: Vec<String>,
    /// What the rules do to it, if anything.
    pub rewriting: Option<Rewriting>,
    /// The rules, and what is said of the data.
    pub rules: RuleSwitches,
    /// What kernels are for.
    pub target: TargetDescription,
}

/// What rules do to a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Rewriting {
    /// One rule, once wherever it can be used.
    Rule(String),
    /// All of them, until nothing follows. What was found is no program, so no pass comes after it.
    Saturate,
    /// All of them, and the cheapest kernels at a size, by the names of the free symbols.
    Extract(BTreeMap<String, i64>),
}

/// A program to which that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum OptError {
    /// It is none.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A pass that is not there.
    #[error("there is no pass `{name}`; {hint}")]
    UnknownPass {
        /// What was given.
        name: String,
        /// Passes of a similar name.
        hint: String,
    },
    /// Something that is done to another dialect.
    #[error("{what} takes a program of `{takes}`, and this is one of `{given}`")]
    OtherDialect {
        /// What was to be done.
        what: String,
        /// The dialect that it takes.
        takes: Dialect,
        /// The dialect that is there.
        given: Dialect,
    },
    /// A pass after something that leaves no program.
    #[error(
        "the pass `{0}` is given no program: saturation finds many, and extraction chooses one"
    )]
    NoProgram(String),
    /// A size of a symbol that the program does not have.
    #[error("the program has no symbol `{name}` to give a size: {known}")]
    UnknownSymbol {
        /// What was given.
        name: String,
        /// The symbols that have sizes.
        known: String,
    },
    /// A symbol without a size.
    #[error(
        "kernels are chosen at a size, and the symbol `{0}` has none: give it as in `--at {0}=8`"
    )]
    NoSize(Symbol),
    /// A size that is not in the range.
    #[error(transparent)]
    Size(#[from] ocellus_dialects::symbolic::SymbolError),
    /// No kernels.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// A pass that failed.
    #[error(transparent)]
    Pass(#[from] NamedPassError),
}

/// The text of a program after all that, or of what saturation found.
pub fn opt(text: &str, options: &OptOptions) -> Result<String, OptError> {
    let passes: Vec<&NamedPass> =
        options.passes.iter().map(|name| NamedPass::named(name)).collect::<Result<_, _>>()?;
    let isa = options.target.kernels_target()?;
    let mut program = AnyModule::parse(text)?;
    let mut rewriting = options.rewriting.as_ref();
    for pass in passes {
        if pass.takes() == Dialect::Kernel
            && program.dialect() == Dialect::Venc
            && let Some(rewriting) = rewriting.take()
        {
            program = match rewrite(program, rewriting, options)? {
                Rewrote::Program(program) => program,
                Rewrote::Saturated(_) => return Err(OptError::NoProgram(pass.name.to_string())),
            };
        }
        program = pass.run(program, isa)?;
    }
    Ok(match rewriting {
        None => program.to_string(),
        Some(rewriting) => match rewrite(program, rewriting, options)? {
            Rewrote::Program(program) => program.to_string(),
            Rewrote::Saturated(found) => found,
        },
    })
}

enum Rewrote {
    Program(AnyModule),
    /// What was found, in words.
    Saturated(String),
}

fn rewrite(
    program: AnyModule,
    rewriting: &Rewriting,
    options: &OptOptions,
) -> Result<Rewrote, OptError> {
    let OptOptions { rules, target, .. } = options;
    let what = match rewriting {
        Rewriting::Rule(name) => format!("the rule `{name}`"),
        Rewriting::Saturate => "saturation".to_string(),
        Rewriting::Extract(_) => "extraction".to_string(),
    };
    let given = program.dialect();
    let AnyModule::Venc(module) = program else {
        return Err(OptError::OtherDialect { what, takes: Dialect::Venc, given });
    };
    Ok(match rewriting {
        Rewriting::Rule(name) => match rewrite::apply_rule(&module, name, target, rules)? {
            Rewritten::Mathematics(module) => Rewrote::Program(AnyModule::Venc(module)),
            Rewritten::Kernels(module) => Rewrote::Program(AnyModule::Kernel(module)),
        },
        Rewriting::Saturate => {
            let saturated = Saturated::new(&module, target, rules, Limits::default())?;
            Rewrote::Saturated(saturated.to_string())
        }
        Rewriting::Extract(sizes) => {
            let at = bindings(&module, sizes)?;
            let (kernels, _) = rewrite::choose(&module, &at, target, rules)?;
            Rewrote::Program(AnyModule::Kernel(kernels))
        }
    })
}

/// The value of every symbol at a size.
fn bindings(module: &venc::Module, sizes: &BTreeMap<String, i64>) -> Result<Bindings, OptError> {
    let symbols: &Symbols = &module.symbols;
    let mut at = Bindings::new();
    for (name, size) in sizes {
        let Some((symbol, _)) = symbols.free().find(|(symbol, _)| symbol.name() == name) else {
            let known: Vec<String> =
                symbols.free().map(|(s, range)| format!("{s} in {range}")).collect();
            let known = match known.is_empty() {
                true => "it has none".to_string(),
                false => format!("there is {}", known.join(", ")),
            };
            return Err(OptError::UnknownSymbol { name: name.clone(), known });
        };
        at.insert(symbol.clone(), *size);
    }
    match symbols.free().find(|(symbol, _)| !at.contains_key(*symbol)) {
        Some((symbol, _)) => Err(OptError::NoSize(symbol.clone())),
        None => Ok(symbols.bind(&at)?),
    }
}

impl NamedPass {
    /// The pass of that name.
    fn named(name: &str) -> Result<&'static NamedPass, OptError> {
        let name = name.trim();
        PASSES.iter().find(|pass| pass.name == name).ok_or_else(|| OptError::UnknownPass {
            name: name.to_string(),
            hint: rewrite::nearest(name, PASSES.iter().map(|pass| pass.name)),
        })
    }

    fn run(&self, program: AnyModule, target: Target) -> Result<AnyModule, OptError> {
        match (&self.run, program) {
            (Run::Venc(run), AnyModule::Venc(module)) => Ok(AnyModule::Venc(run(&module))),
            (Run::Kernel(run), AnyModule::Kernel(module)) => Ok(run(module, target)?),
            (Run::Venc(_) | Run::Kernel(_), program) => Err(OptError::OtherDialect {
                what: format!("the pass `{}`", self.name),
                takes: self.takes(),
                given: program.dialect(),
            }),
        }
    }
}
