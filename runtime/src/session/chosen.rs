//! Which variant of an artifact runs, and where.
//!
//! An artifact has its variants in the order of what they ask for, the least first, so that the last of those that a device can run
//! is the most able one. The device is that which is asked for, or that of the first variant of which a device here can run one.

use super::LoadError;
use crate::artifact::{Artifact, Variant};
use crate::devices::{Device, DeviceError, DeviceKind, UnfitMachine};
use crate::options::Options;
use crate::signature::Signature;
use std::cmp::Reverse;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// A variant that was chosen, with its code loaded.
pub struct Chosen {
    pub variant: Variant,
    pub device: Arc<dyn Device>,
    /// What its kernels do with their arguments, in the plan's order.
    pub signatures: Vec<Signature>,
    /// Which more able ones were passed over.
    pub notes: Vec<String>,
}

/// No variant of an artifact that could run here.
#[derive(Debug, thiserror::Error)]
#[error("none of the artifact's variants runs here ({}): {}", listed(refused), advice(refused))]
pub struct NoVariant {
    /// Each of them, and why, in the order in which they were tried.
    pub refused: Vec<Refused>,
}

/// A variant that cannot run here.
#[derive(Debug)]
pub enum Refused {
    /// By what its target asks for.
    Machine(UnfitMachine),
    /// By what the device said when it was to load the code for the target of that name.
    Device(String, DeviceError),
}

impl Refused {
    /// What the variant is for.
    pub fn target(&self) -> &str {
        match self {
            Refused::Machine(unfit) => unfit.target(),
            Refused::Device(target, _) => target,
        }
    }

    /// Whether it was not what was asked for in the first place.
    fn was_not_asked_for(&self) -> bool {
        matches!(self, Refused::Machine(UnfitMachine::OtherDevice { .. }))
    }
}

/// Why.
impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Machine(unfit) => f.write_str(&unfit.why()),
            Refused::Device(_, error) => match error.unfit() {
                Some(why) => f.write_str(&why),
                None => error.fmt(f),
            },
        }
    }
}

fn listed(refused: &[Refused]) -> String {
    let each = refused.iter().map(|refused| format!("`{}`: {refused}", refused.target()));
    each.collect::<Vec<_>>().join("; ")
}

fn advice(refused: &[Refused]) -> &'static str {
    match refused.iter().any(Refused::was_not_asked_for) {
        true => "leave `--device` out, or compile the model again for a target of that device",
        false => {
            "compile the model again for a target that this machine runs, as `ocellus doctor` tells"
        }
    }
}

/// Chooses among the variants of an artifact, and loads the code of the one that is chosen.
///
/// # Safety
/// As for [`DeviceKind::load`], for each of them.
pub unsafe fn choose(artifact: &Artifact, options: &Options) -> Result<Chosen, LoadError> {
    let mut refused = vec![];
    for variant in candidates(artifact, options)? {
        let target = &variant.target;
        let kind = match DeviceKind::of(target, options.device) {
            Ok(kind) => kind,
            Err(unfit) => {
                refused.push(Refused::Machine(unfit));
                continue;
            }
        };
        artifact.check_code(variant)?;
        // SAFETY: by the contract of this function.
        match unsafe { kind.load(artifact.code(variant), &variant.plan, options) } {
            Ok((device, signatures)) => {
                let notes = notes(&refused, &target.name);
                return Ok(Chosen { variant: variant.clone(), device, signatures, notes });
            }
            Err(error) if error.unfit().is_some() => {
                refused.push(Refused::Device(target.name.clone(), error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(no_variant(refused))
}

/// The variant of an artifact that would run, as far as that is known before a device is asked; where none would, the best of
/// those that might elsewhere.
///
/// # Errors
/// Where the options name a target that the artifact is not for.
pub fn variant_to_run<'a>(
    artifact: &'a Artifact,
    options: &Options,
) -> Result<&'a Variant, LoadError> {
    let candidates = candidates(artifact, options)?;
    let runs = |variant: &&&Variant| DeviceKind::of(&variant.target, options.device).is_ok();
    let variant = candidates.iter().find(runs).or(candidates.first()).copied();
    variant.ok_or(LoadError::NoVariant(NoVariant { refused: vec![] }))
}

/// The variants that may run, the best first: by their devices, and of each device the most able first.
fn candidates<'a>(
    artifact: &'a Artifact,
    options: &Options,
) -> Result<Vec<&'a Variant>, LoadError> {
    let variants = artifact.variants();
    if let Some(target) = &options.target {
        let variant = artifact.variant(target).ok_or_else(|| {
            let names = variants.iter().map(|variant| format!("`{}`", variant.target.name));
            let known = names.collect::<Vec<_>>().join(" or ");
            LoadError::NotForTarget { target: target.clone(), known }
        })?;
        return Ok(vec![variant]);
    }
    let kinds: Vec<Option<DeviceKind>> =
        variants.iter().map(|variant| DeviceKind::of_target(&variant.target)).collect();
    let first_of_kind = |position: usize| kinds.iter().position(|kind| *kind == kinds[position]);
    let mut order: Vec<usize> = (0..variants.len()).collect();
    order.sort_by_key(|position| (first_of_kind(*position), Reverse(*position)));
    Ok(order.into_iter().map(|position| &variants[position]).collect())
}

/// What is said of those that were passed over.
fn notes(refused: &[Refused], chosen: &str) -> Vec<String> {
    let passed_over = refused.iter().filter(|refused| !refused.was_not_asked_for());
    let note = |refused: &Refused| {
        let target = refused.target();
        format!(
            "the artifact's variant for `{chosen}` runs, and that for `{target}` does not, as {refused}"
        )
    };
    passed_over.map(note).collect()
}

/// Where there is one variant alone, the error is what is wrong with it.
fn no_variant(mut refused: Vec<Refused>) -> LoadError {
    match refused.pop() {
        Some(Refused::Machine(unfit)) if refused.is_empty() => unfit.into(),
        Some(Refused::Device(_, error)) if refused.is_empty() => error.into(),
        last => {
            refused.extend(last);
            NoVariant { refused }.into()
        }
    }
}
