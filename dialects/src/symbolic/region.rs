//! [`Region`]: a part of a range.

use super::{Bindings, Dim, SymbolRange};
use std::fmt;

/// The sizes at which each of these dimensions lies in its range: `images in 2..=8, images*tokens in 97..=192`. With no
/// dimension, all sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region(Vec<(Dim, SymbolRange)>);

impl Region {
    /// Where those dimensions lie in those ranges.
    pub fn new(ranges: Vec<(Dim, SymbolRange)>) -> Self {
        Region(ranges)
    }

    /// The dimensions that bound it, with their ranges.
    pub fn ranges(&self) -> &[(Dim, SymbolRange)] {
        &self.0
    }

    /// Whether it holds a size; a size at which a dimension has no value it does not.
    pub fn contains(&self, at: &Bindings) -> bool {
        let holds = |(dim, range): &(Dim, SymbolRange)| {
            dim.evaluate(at).is_some_and(|value| (range.min..=range.max).contains(&value))
        };
        self.0.iter().all(holds)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all sizes");
        }
        for (position, (dim, range)) in self.0.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            match range.first() == range.last() {
                true => write!(f, "{comma}{dim} = {}", range.first())?,
                false => write!(f, "{comma}{dim} in {range}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Symbol;

    #[test]
    fn a_size_lies_in_a_region_where_every_dimension_does() {
        let [images, tokens] = ["images", "tokens"].map(Symbol::new);
        let both = Dim::symbol(&images) * Dim::symbol(&tokens);
        let region = Region::new(vec![
            (Dim::symbol(&images), SymbolRange::new(2, 2)),
            (both, SymbolRange::new(97, 192)),
        ]);
        let contains = |images_are, tokens_are| {
            let at = [(images.clone(), images_are), (tokens.clone(), tokens_are)];
            region.contains(&Bindings::from(at))
        };
        assert!(contains(2, 49) && contains(2, 96));
        assert!(!contains(2, 48) && !contains(2, 97) && !contains(3, 49));
        assert!(!region.contains(&Bindings::from([(images.clone(), 2)])));
        assert!(Region::default().contains(&Bindings::new()));
        assert_eq!(region.to_string(), "images = 2, images*tokens in 97..=192");
        assert_eq!(Region::default().to_string(), "all sizes");
    }
}
