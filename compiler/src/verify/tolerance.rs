//! How far a compiled value may lie from the reference: derived, not tuned.
//!
//! A launch that reduces `k` terms in f32 and stores its result with unit roundoff `u` makes a relative error of about
//! `sqrt(k) * 2^-24 + p + u`, roundoffs being independent (Higham & Mary, SIAM J. Sci. Comput. 41(5), 2019), where products
//! that are rounded themselves are `p` from the true ones: in a random sum their errors grow as the sum does. The errors of
//! `n` launches one after the other add in quadrature: `sqrt(n)` times that. Norms and residuals keep what passes
//! through a block at its size, so no factor is added for amplification, but one safety factor for the constant that
//! the random-walk model leaves open.

use ocellus_dialects::ElementType;

/// The constant of the probabilistic bound; 4 fails for one in some thousands of values were roundoffs normal.
const SAFETY: f64 = 4.0;

/// Half the distance between 1 and the next number: what rounding to nearest can be off, relatively.
pub fn unit_roundoff(element: ElementType) -> f64 {
    match element {
        ElementType::F32 => 2f64.powi(-24),
        ElementType::BF16 => 2f64.powi(-8),
        ElementType::F16 => 2f64.powi(-11),
        ElementType::I32 => 0.0,
    }
}

/// The relative L2 error that `launches` kernels in a row may make, each reducing up to `reduction` terms in f32 that are
/// products within `product_error` of the true ones.
pub fn tolerance(
    element: ElementType,
    product_error: f64,
    launches: usize,
    reduction: usize,
) -> f64 {
    let per_launch = (reduction as f64).sqrt() * unit_roundoff(ElementType::F32)
        + product_error
        + unit_roundoff(element);
    SAFETY * (launches.max(1) as f64).sqrt() * per_launch
}

/// `|a - b| / |b|`, in f64; infinite where the shapes differ or something is not finite on one side only.
pub fn relative_l2(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let (mut difference, mut magnitude) = (0.0f64, 0.0f64);
    for (x, y) in a.iter().zip(b) {
        difference += (f64::from(*x) - f64::from(*y)).powi(2);
        magnitude += f64::from(*y).powi(2);
    }
    match (difference, magnitude) {
        (0.0, _) => 0.0,
        (_, 0.0) => f64::INFINITY,
        _ if (difference / magnitude).is_nan() => f64::INFINITY,
        _ => (difference / magnitude).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_comparable_is_infinitely_far() {
        assert_eq!(relative_l2(&[1.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(relative_l2(&[f32::NAN], &[1.0]), f64::INFINITY);
        assert_eq!(relative_l2(&[1e-9], &[0.0]), f64::INFINITY);
        assert_eq!(relative_l2(&[0.0], &[0.0]), 0.0);
    }

    #[test]
    fn coarser_storage_and_longer_chains_are_allowed_more() {
        let f32_block = tolerance(ElementType::F32, 0.0, 5, 768);
        assert!(f32_block < tolerance(ElementType::F32, 0.0, 60, 768));
        assert!(f32_block < tolerance(ElementType::F32, 1e-5, 5, 768));
        assert!(f32_block < tolerance(ElementType::BF16, 0.0, 5, 768));
        // A whole ViT-B in f32 stays below one part in ten thousand.
        assert!(tolerance(ElementType::F32, 0.0, 60, 3072) < 1.2e-4);
    }
}
