//! Names that are like each other: what someone may have meant.

use strsim::damerau_levenshtein;

/// What is longer is no slip of the pen, and a distance takes memory in proportion to both lengths.
const LONGEST: usize = 64;

/// The name that `name` is a slip of the pen away from.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let distances = known.iter().map(|known| (distance(name, known), *known));
    let (_, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    is_misspelling(name, nearest).then_some(nearest)
}

/// Whether a key of a config may have been meant for `known`: misspelt, in other letters or without underscores
/// (`layernorm_eps`), shortened (`num_heads`), or with a word written out (`layer_norm_epsilon`).
pub(super) fn may_mean(key: &str, known: &str) -> bool {
    key.len() <= LONGEST && (is_misspelling(key, known) || is_shortened(key, known))
}

fn is_misspelling(name: &str, known: &str) -> bool {
    // One slip, and one more for each eight letters.
    distance(name, known) <= letters(known).len() / 8 + 1
}

fn distance(a: &str, b: &str) -> usize {
    damerau_levenshtein(&letters(a), &letters(b))
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether the words of `key` are among those of `known` in this order, the last of them the last of `known`.
fn is_shortened(key: &str, known: &str) -> bool {
    let (mut key, mut known) = (key.split('_').rev(), known.split('_').rev());
    let ends_alike = key.next().zip(known.next()).is_some_and(|(a, b)| is_same_word(a, b));
    ends_alike && key.all(|word| known.any(|known| is_same_word(word, known)))
}

/// Whether one abbreviates the other: `attn` is `attention`, `activation` is `act`.
fn is_same_word(word: &str, known: &str) -> bool {
    let mut letters = known.chars();
    let is_abbreviated = word.chars().all(|letter| letters.any(|known| known == letter));
    let starts_alike = word.chars().next().is_some_and(|first| known.starts_with(first));
    starts_alike && (is_abbreviated || word.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_meant() {
        for (key, known) in [
            ("num_attention_head", "num_attention_heads"),
            ("num_heads", "num_attention_heads"),
            ("n_heads", "num_attention_heads"),
            ("num_attn_heads", "num_attention_heads"),
            ("numAttentionHeads", "num_attention_heads"),
            ("heads", "num_attention_heads"),
            ("layernorm_eps", "layer_norm_eps"),
            ("layer_norm_epsilon", "layer_norm_eps"),
            ("norm_eps", "layer_norm_eps"),
            ("hiden_act", "hidden_act"),
            ("hidden_activation", "hidden_act"),
            ("activation", "hidden_act"),
            ("pooler_activation", "pooler_act"),
            ("vison_config", "vision_config"),
        ] {
            assert!(may_mean(key, known), "{key}");
        }
        for (key, known) in [
            ("hidden_size", "hidden_act"),
            ("hidden_dropout_prob", "hidden_act"),
            ("pooler_act", "hidden_act"),
            ("projector_hidden_act", "hidden_act"),
            ("pruned_heads", "num_attention_heads"),
            ("num_hidden_layers", "num_attention_heads"),
            ("num_channels", "num_attention_heads"),
            ("text_config", "vision_config"),
            ("layer_norm", "layer_norm_eps"),
            ("", "layer_norm_eps"),
        ] {
            assert!(!may_mean(key, known), "{key}");
        }
    }

    #[test]
    fn the_nearest_is_near() {
        let known = ["gelu", "gelu_new", "silu"];
        assert_eq!(nearest("gleu", &known), Some("gelu"));
        assert_eq!(nearest("GELU-new", &known), Some("gelu_new"));
        assert_eq!(nearest("wiggle", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn a_name_of_any_length_costs_little() {
        assert_eq!(nearest(&"gelu".repeat(1 << 22), &["gelu"]), None);
        assert!(!may_mean(&"heads".repeat(1 << 22), "num_attention_heads"));
    }
}
