//! [`Activation`]: the functions of one number.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// Declares the activations: what each is, its variant, and the name of its operation.
macro_rules! activations {
    ($($(#[$meaning:meta])* $variant:ident = $name:literal,)*) => {
        /// A function of one number, applied to each element.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Activation {
            $($(#[$meaning])* $variant,)*
        }

        impl Activation {
            /// Every activation.
            pub const ALL: &[Activation] = &[$(Activation::$variant),*];

            /// The name of the operation, without its dialect.
            pub fn name(self) -> &'static str {
                match self {
                    $(Activation::$variant => $name,)*
                }
            }
        }
    };
}

activations! {
    /// `x * (1 + erf(x / sqrt 2)) / 2` (Hendrycks & Gimpel, arXiv:1606.08415).
    Gelu = "gelu",
    /// `x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2`: `gelu_pytorch_tanh`, `gelu_new`.
    GeluTanh = "gelu_tanh",
    /// `x * sigmoid(1.702 x)`: CLIP's `quick_gelu`.
    QuickGelu = "quick_gelu",
    /// `min(max(gelu(x), -10), 10)`: `gelu_10` (Wu et al., arXiv:2004.09602).
    ClippedGelu = "clipped_gelu",
    /// `x * sigmoid(x)`.
    Silu = "silu",
    /// `x * tanh(log(1 + e^x))` (Misra, arXiv:1908.08681).
    Mish = "mish",
    /// `x * min(max(x + 3, 0), 6) / 6` (Howard et al., arXiv:1905.02244).
    HardSwish = "hard_swish",
    /// `max(x, 0)`.
    Relu = "relu",
    /// `min(max(x, 0), 6)`.
    Relu6 = "relu6",
    /// `max(x, 0.01 x)`.
    LeakyRelu = "leaky_relu",
    /// `max(x, 0)^2` (So et al., arXiv:2109.08668).
    ReluSquared = "relu_squared",
    /// `1 / (1 + e^-x)`.
    Sigmoid = "sigmoid",
    /// `tanh(x)`.
    Tanh = "tanh",
    /// `(1 + erf((x - 0.707107) / (0.282095 sqrt 2))) / 2` (Ma et al., arXiv:2209.10655).
    Laplace = "laplace",
    /// `sqrt(log(1 + e^x))`.
    SqrtSoftplus = "sqrt_softplus",
}

impl Activation {
    /// The mean and the deviation of [`Activation::Laplace`], as `transformers` rounds them.
    #[expect(clippy::approx_constant, reason = "it is near the constant, and not the constant")]
    pub const LAPLACE: (f64, f64) = (0.707107, 0.282095);

    /// The activation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Activation::ALL.iter().copied().find(|activation| activation.name() == name)
    }

    /// The function of x, letter by letter. NaN stays NaN, which `f64::max` would not leave it.
    pub(super) fn value(self, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let gelu = |x: f64| x * (1.0 + libm::erf(x * FRAC_1_SQRT_2)) / 2.0;
        // Of a large number `e^x` is infinite.
        let softplus = |x: f64| x.clamp(0.0, f64::INFINITY) + (-x.abs()).exp().ln_1p();
        match self {
            Activation::Gelu => gelu(x),
            Activation::GeluTanh => {
                x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()) / 2.0
            }
            Activation::QuickGelu => x * sigmoid(1.702 * x),
            Activation::ClippedGelu => gelu(x).clamp(-10.0, 10.0),
            Activation::Silu => x * sigmoid(x),
            Activation::Mish => x * softplus(x).tanh(),
            Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Activation::Relu => x.clamp(0.0, f64::INFINITY),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::LeakyRelu => x * if x < 0.0 { 0.01 } else { 1.0 },
            Activation::ReluSquared => x.clamp(0.0, f64::INFINITY).powi(2),
            Activation::Sigmoid => sigmoid(x),
            Activation::Tanh => x.tanh(),
            Activation::Laplace => {
                let (mean, deviation) = Activation::LAPLACE;
                (1.0 + libm::erf((x - mean) / (deviation * SQRT_2))) / 2.0
            }
            Activation::SqrtSoftplus => softplus(x).sqrt(),
        }
    }
}
