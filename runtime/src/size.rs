//! [`Size`]: a value for each free symbol, and its text.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Values that a range can have.
const VALUES: RangeInclusive<i64> = 1..=i32::MAX as i64;

/// The values of free symbols. Its text, `images=8,height=224`, is what `--size` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub BTreeMap<String, i64>);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (symbol, value) = pair.split_once('=')?;
            Some((
                symbol.trim().to_string(),
                value.trim().parse().ok().filter(|value| VALUES.contains(value))?,
            ))
        };
        let mut values = BTreeMap::new();
        for one in text.split(',') {
            let (symbol, value) = pair(one).ok_or_else(|| {
                let max = VALUES.end();
                format!("`{text}` is no size: write `images=8,height=224`, each in 1..={max}")
            })?;
            if let Some(other) = values.insert(symbol.clone(), value) {
                return Err(format!(
                    "`{text}` gives `{symbol}` two values, {other} and {value}: give each size by an option of its own"
                ));
            }
        }
        Ok(Size(values))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.pad("the one size");
        }
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.pad(&pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["images=8", "height=224,images=8", "rows=2147483647"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        let spaced: Size = " images = 8, height=224".parse().unwrap();
        assert_eq!(spaced.to_string(), "height=224,images=8");
        assert_eq!(Size::default().to_string(), "the one size");
        assert_eq!(format!("{:<10}|", "rows=8".parse::<Size>().unwrap()), "rows=8    |");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "images", "images=", "images=0", "images=-1", "images=2147483648", "a=1,"]
        {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no size")), "{error}");
        }
    }
}
