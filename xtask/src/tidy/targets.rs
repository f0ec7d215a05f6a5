//! Where targets are named: each is a folder in the places that must know it, and no file outside of these names one.

/// The words by which code knows a target.
const TARGETS: [&str; 3] = ["cpu", "cuda", "nvidia"];

/// Folders in which no file names a target, each with the folder in it where targets lie.
const NEUTRAL: [(&str, &str); 1] = [("runtime/src/", "runtime/src/devices/")];

/// The lines of a file that name a target and may not.
pub fn targets_named(file: &str, text: &str) -> Vec<String> {
    let is_neutral =
        |(folder, targets): &(&str, &str)| file.starts_with(folder) && !file.starts_with(targets);
    let Some((_, targets)) = NEUTRAL.iter().find(|each| is_neutral(each)) else { return vec![] };
    let named = |line: &str| {
        let line = line.to_lowercase();
        let words: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        TARGETS.into_iter().find(|target| words.iter().any(|word| word.starts_with(target)))
    };
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| Some((index + 1, named(line)?)))
        .map(|(line, target)| {
            format!("{file}, line {line} names `{target}`, which only files in {targets} may")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_among_the_devices_only() {
        let text = "use devices::Device;\nlet device = CpuDevice::new(); // a CPU's\n";
        assert_eq!(
            targets_named("runtime/src/session/mod.rs", text),
            [
                "runtime/src/session/mod.rs, line 2 names `cpu`, which only files in runtime/src/devices/ may"
            ]
        );
        assert!(targets_named("runtime/src/devices/choice.rs", text).is_empty());
        assert!(targets_named("compiler/src/target.rs", text).is_empty());
        assert!(targets_named("runtime/src/lib.rs", "an occupied place").is_empty());
    }
}
