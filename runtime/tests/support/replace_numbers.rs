//! Plans with numbers that no compiler would write.

use proptest::prelude::prop::sample::Index;
use serde_json::Value;

/// Puts other numbers in the place of some in a JSON text.
pub fn replace_numbers(text: &str, edits: &[(Index, i64)]) -> String {
    fn numbers(value: &mut Value) -> Vec<&mut Value> {
        match value {
            Value::Number(_) => vec![value],
            Value::Array(items) => items.iter_mut().flat_map(numbers).collect(),
            Value::Object(entries) => entries.values_mut().flat_map(numbers).collect(),
            _ => Vec::new(),
        }
    }
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    for (place, number) in edits {
        let mut all = numbers(&mut value);
        let place = place.index(all.len());
        *all[place] = (*number).into();
    }
    value.to_string()
}
