//! [`Activation`]: the functions of one number.

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
}
