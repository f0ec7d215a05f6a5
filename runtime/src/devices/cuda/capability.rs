//! [`Capability`]: an architecture of NVIDIA's GPUs, by its compute capability.

use std::fmt::{Display, Formatter};

/// A compute capability, such as 8.0; code for it is called `sm_80`. The greater one has all that the lesser has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability {
    /// The generation.
    pub major: u32,
    /// Which of it.
    pub minor: u32,
}

impl Capability {
    /// The first that kernels are written for.
    pub const OLDEST: Capability = Capability { major: 8, minor: 0 };

    /// The capability of `sm_80`, whose last digit is the minor one; `None` where that is no such name.
    pub fn of_architecture(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("sm_")?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number || digits.starts_with('0') || !(2..=4).contains(&digits.len()) {
            return None;
        }
        let number: u32 = digits.parse().ok()?;
        Some(Capability { major: number / 10, minor: number % 10 })
    }

    /// What code for it is called: `sm_80`.
    pub fn architecture(self) -> String {
        format!("sm_{}{}", self.major, self.minor)
    }

    /// Whether it runs machine code that was assembled for another one: that of its own generation, up to its own.
    pub fn runs_machine_code_of(self, code: Capability) -> bool {
        self.major == code.major && self.minor >= code.minor
    }

    /// Whether a driver makes code for it of PTX that was written for another one: for it, or for what was before it.
    pub fn runs_ptx_of(self, code: Capability) -> bool {
        self >= code
    }
}

impl Display for Capability {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_the_number_of_its_architecture() {
        for name in ["sm_80", "sm_86", "sm_89", "sm_90", "sm_120"] {
            let capability = Capability::of_architecture(name).unwrap();
            assert_eq!(capability.architecture(), name);
        }
        assert_eq!(Capability::of_architecture("sm_120").unwrap().to_string(), "12.0");
        for other in ["sm_", "sm_8", "sm_08", "sm_80a", "sm_+80", "sm_99999", "cpu", "80"] {
            assert_eq!(Capability::of_architecture(other), None, "{other}");
        }
    }

    #[test]
    fn machine_code_stays_in_its_generation_and_ptx_goes_forward() {
        let [a100, rtx, h100] = [80, 86, 90]
            .map(|number| Capability::of_architecture(&format!("sm_{number}")).unwrap());
        assert!(rtx.runs_machine_code_of(a100) && !a100.runs_machine_code_of(rtx));
        assert!(!h100.runs_machine_code_of(a100));
        assert!(h100.runs_ptx_of(a100) && h100.runs_ptx_of(h100) && !a100.runs_ptx_of(rtx));
    }
}
