//! [`InterpolationFilter`]: how positions are resampled.

/// How `interpolate_positions` weighs the table's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InterpolationFilter {
    /// Two taps a side.
    Bilinear,
    /// Keys' cubic convolution, four taps a side, `a = -0.75` (`-0.5` with antialiasing), as in PyTorch.
    Bicubic,
}

impl InterpolationFilter {
    /// Every filter.
    pub const ALL: [InterpolationFilter; 2] =
        [InterpolationFilter::Bilinear, InterpolationFilter::Bicubic];

    /// The name in attributes.
    pub fn name(self) -> &'static str {
        match self {
            InterpolationFilter::Bilinear => "bilinear",
            InterpolationFilter::Bicubic => "bicubic",
        }
    }

    /// The filter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        InterpolationFilter::ALL.into_iter().find(|filter| filter.name() == name)
    }
}
