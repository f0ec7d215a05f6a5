//! Activations by their names in `transformers`.

use super::similar;
use ocellus_dialects::venc::Activation;

/// Those of `ACT2FN` that have no parameters; the linear one is none. Some names differ in how PyTorch computes one and
/// the same function.
const NAMES: [(&str, Option<Activation>); 22] = [
    ("gelu", Some(Activation::Gelu)),
    ("gelu_python", Some(Activation::Gelu)),
    ("gelu_10", Some(Activation::ClippedGelu)),
    ("gelu_new", Some(Activation::GeluTanh)),
    ("gelu_fast", Some(Activation::GeluTanh)),
    ("gelu_accurate", Some(Activation::GeluTanh)),
    ("gelu_pytorch_tanh", Some(Activation::GeluTanh)),
    ("gelu_python_tanh", Some(Activation::GeluTanh)),
    ("quick_gelu", Some(Activation::QuickGelu)),
    ("silu", Some(Activation::Silu)),
    ("swish", Some(Activation::Silu)),
    ("mish", Some(Activation::Mish)),
    ("hardswish", Some(Activation::HardSwish)),
    ("relu", Some(Activation::Relu)),
    ("relu2", Some(Activation::ReluSquared)),
    ("relu6", Some(Activation::Relu6)),
    ("leaky_relu", Some(Activation::LeakyRelu)),
    ("sigmoid", Some(Activation::Sigmoid)),
    ("tanh", Some(Activation::Tanh)),
    ("laplace", Some(Activation::Laplace)),
    ("sqrtsoftplus", Some(Activation::SqrtSoftplus)),
    ("linear", None),
];

/// Those whose parameters a checkpoint would have to bring.
const LEARNED: [&str; 2] = ["prelu", "xielu"];

/// The activation of that name, `None` for the identity. The error says which there are.
pub(super) fn named(name: &str) -> Result<Option<Activation>, String> {
    if let Some((_, activation)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*activation);
    }
    let names = NAMES.map(|(name, _)| name);
    let known = format!("give one of {}", names.join(", "));
    Err(match similar::nearest(name, &names) {
        _ if LEARNED.contains(&name) => {
            format!("it has parameters of its own, which are not supported: {known}")
        }
        Some(nearest) => format!("did you mean `{nearest}`? {known}"),
        None => known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_not_known_is_told_of_the_nearest() {
        assert_eq!(named("gelu_fast"), Ok(Some(Activation::GeluTanh)));
        assert_eq!(named("linear"), Ok(None));
        let error = named("gleu").unwrap_err();
        assert!(
            error.starts_with("did you mean `gelu`? give one of gelu, gelu_python, "),
            "{error}"
        );
        assert!(named("prelu").unwrap_err().starts_with("it has parameters of its own"));
        assert!(named("wiggle").unwrap_err().starts_with("give one of "));
    }
}
