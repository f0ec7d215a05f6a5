//! `--range images=1..=32`: the sizes of a symbol, as the command line gives them.

use ocellus::dialects::symbolic::SymbolRange;
use std::str::FromStr;

/// The sizes of one symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeArgument {
    /// The symbol's name.
    pub symbol: String,
    /// Its sizes.
    pub range: SymbolRange,
}

impl FromStr for RangeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || {
            format!(
                "`{text}` is no range: write `images=1..=32`, `height=224..=448/16` for a step, or `images=8`"
            )
        };
        let (symbol, sizes) = text.split_once('=').ok_or_else(malformed)?;
        let (sizes, step) = sizes.split_once('/').unwrap_or((sizes, "1"));
        let (min, max) = sizes.split_once("..=").unwrap_or((sizes, sizes));
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| malformed());
        let range = SymbolRange { min: number(min)?, max: number(max)?, step: number(step)? };
        if symbol.trim().is_empty() {
            return Err(malformed());
        }
        if range.min < 1 || range.max < range.min || range.step < 1 {
            return Err(format!(
                "the range of `{0}` holds no size: write `{0}=MIN..=MAX` with 1 <= MIN <= MAX",
                symbol.trim()
            ));
        }
        if range.first() > range.max {
            let symbol = symbol.trim();
            let (step, next) = (range.step, range.first());
            return Err(format!(
                "the range of `{symbol}` holds no multiple of {step}: the next is {next}"
            ));
        }
        if range.max > i64::from(i32::MAX) {
            return Err(format!(
                "the range of `{}` ends above {}, the greatest size",
                symbol.trim(),
                i32::MAX
            ));
        }
        Ok(RangeArgument { symbol: symbol.trim().to_string(), range })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_range_a_step_and_a_single_size() {
        let range = |text: &str| text.parse::<RangeArgument>().map(|a| (a.symbol, a.range));
        assert_eq!(range("images=1..=32"), Ok(("images".into(), SymbolRange::new(1, 32))));
        let stepped = SymbolRange { min: 224, max: 448, step: 16 };
        assert_eq!(range("height=224..=448/16"), Ok(("height".into(), stepped)));
        assert_eq!(range("images=8"), Ok(("images".into(), SymbolRange::new(8, 8))));
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in [
            "images",
            "images=",
            "images=1..32",
            "=1..=2",
            "images=a..=b",
            "images=1..=99999999999999999999",
        ] {
            let error = text.parse::<RangeArgument>().unwrap_err();
            assert!(error.contains("is no range"), "{text}: {error}");
        }
        let error = "height=225..=230/16".parse::<RangeArgument>().unwrap_err();
        assert!(error.contains("no multiple of 16"), "{error}");
        for text in ["images=0..=4", "images=5..=4", "images=-3", "images=1..=4/0"] {
            let error = text.parse::<RangeArgument>().unwrap_err();
            assert!(error.contains("holds no size"), "{text}: {error}");
        }
        assert!(
            "images=1..=3000000000".parse::<RangeArgument>().unwrap_err().contains("ends above")
        );
    }
}
