//! Finds which switch makes a wrong answer right: the rule or pass at fault.

/// What [`bisect`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is right with everything switched on.
    NoFault,
    /// The answer is wrong even with everything switched off: the fault lies in what cannot be switched.
    NotSwitchable,
    /// Switching off these makes the answer right. One, unless several are wrong.
    Guilty(Vec<String>),
}

/// Switches off `names` until the answer is right. `faulty` says whether the answer is wrong with those names off; it is
/// called about `log2(names)` times for each guilty name.
pub fn bisect<E>(
    names: &[String],
    mut faulty: impl FnMut(&[String]) -> Result<bool, E>,
) -> Result<Verdict, E> {
    if !faulty(&[])? {
        return Ok(Verdict::NoFault);
    }
    if faulty(names)? {
        return Ok(Verdict::NotSwitchable);
    }
    let mut guilty: Vec<String> = vec![];
    while guilty.is_empty() || faulty(&guilty)? {
        // With the first `right` names off (and the guilty ones) the answer is right; with the first `wrong`, wrong.
        let (mut wrong, mut right) = (0, names.len());
        while right - wrong > 1 {
            let middle = wrong + (right - wrong) / 2;
            let off = [&guilty[..], &names[..middle]].concat();
            if faulty(&off)? {
                wrong = middle;
            } else {
                right = middle;
            }
        }
        match names.get(right - 1) {
            Some(name) if !guilty.contains(name) => guilty.push(name.clone()),
            // The search came back to a known name: switches interact, and only all of them together are safe.
            _ => return Ok(Verdict::Guilty(names.to_vec())),
        }
    }
    Ok(Verdict::Guilty(guilty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn run(names: usize, wrong: &[usize]) -> (Verdict, usize) {
        let names: Vec<String> = (0..names).map(|n| format!("rule-{n}")).collect();
        let wrong: BTreeSet<String> = wrong.iter().map(|n| format!("rule-{n}")).collect();
        let mut runs = 0;
        let verdict = bisect::<()>(&names, |off| {
            runs += 1;
            Ok(wrong.iter().any(|name| !off.contains(name)))
        });
        (verdict.unwrap(), runs)
    }

    #[test]
    fn one_guilty_rule_is_found_in_logarithmic_time() {
        for wrong in [0, 17, 63] {
            let (verdict, runs) = run(64, &[wrong]);
            assert_eq!(verdict, Verdict::Guilty(vec![format!("rule-{wrong}")]));
            assert!(runs <= 10, "{runs}");
        }
    }

    #[test]
    fn several_guilty_rules_are_all_found() {
        let (verdict, _) = run(20, &[3, 11]);
        let Verdict::Guilty(mut names) = verdict else { panic!("{verdict:?}") };
        names.sort();
        assert_eq!(names, ["rule-11", "rule-3"]);
    }

    #[test]
    fn a_fault_elsewhere_and_no_fault_are_told_apart() {
        assert_eq!(run(5, &[]).0, Verdict::NoFault);
        assert_eq!(run(5, &[99]).0, Verdict::NotSwitchable);
    }
}
