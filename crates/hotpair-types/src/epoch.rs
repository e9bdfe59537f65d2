//! Counts promotions.
use crate::Designation;
use std::fmt;

/// The number of a promotion. The higher epoch wins every argument. Odd numbers belong to the
/// master and even ones to the backup, so that two promotions cannot share a number; the tag is
/// random, so that a number used again after a store was rolled back is still another epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Epoch {
    /// Grows with every promotion. 0: nobody was ever active.
    pub number: u64,
    /// Random, given by the driver.
    pub tag: u64,
}

impl Epoch {
    /// Before the first promotion.
    pub const NONE: Self = Self { number: 0, tag: 0 };

    /// The lowest number above this one that `owner` may use.
    #[must_use]
    pub const fn next(self, owner: Designation, tag: u64) -> Self {
        let parity = match owner {
            Designation::Master => 1,
            Designation::Backup => 0,
        };
        let step = if (self.number + 1) % 2 == parity { 1 } else { 2 };
        Self { number: self.number + step, tag }
    }

    /// Whose promotion it was; nobody's before the first.
    #[must_use]
    pub const fn owner(self) -> Option<Designation> {
        match (self.number, self.number % 2) {
            (0, _) => None,
            (_, 1) => Some(Designation::Master),
            _ => Some(Designation::Backup),
        }
    }

    /// Whether nobody was active yet.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.number == 0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_promotions_cannot_share_a_number() {
        for number in 0..10 {
            let last = Epoch { number, tag: 0 };
            let [master, backup] = Designation::ALL.map(|it| last.next(it, 0));
            assert!(master > last && backup > last && master != backup);
            assert_eq!(master.owner(), Some(Designation::Master));
            assert_eq!(backup.owner(), Some(Designation::Backup));
        }
    }
}
