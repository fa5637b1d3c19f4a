//! What is reconciled: how many items, how they differ, in frames of what length.

use benches::{Pair, Placement, pair};
use serde::{Deserialize, Serialize};

/// Sets to reconcile, and how long frames may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Items of each side, about.
    pub(crate) items: usize,
    /// Items that only one side has, half of them on each.
    pub(crate) differences: usize,
    /// Where those lie.
    #[serde(with = "PlacementName")]
    pub(crate) placement: Placement,
    /// Longest frame in bytes; 0 for no limit.
    pub(crate) frame_limit: usize,
}

impl Setup {
    /// Differences anywhere in time, and frames as long as they come.
    pub(crate) const fn spread(items: usize, differences: usize) -> Self {
        Self {
            items,
            differences,
            placement: Placement::Spread,
            frame_limit: 0,
        }
    }

    /// The same with all differences in the newest hour.
    pub(crate) const fn recent(self) -> Self {
        Self {
            placement: Placement::Recent,
            ..self
        }
    }

    /// The same with frames of at most so many bytes.
    pub(crate) const fn framed(self, frame_limit: usize) -> Self {
        Self {
            frame_limit,
            ..self
        }
    }

    /// What it is picked by: `n1000000 d1000`, and `recent` or `framed` where it is.
    pub(crate) fn name(&self) -> String {
        let mut name = format!("n{} d{}", self.items, self.differences);
        if self.placement == Placement::Recent {
            name.push_str(" recent");
        }
        if self.frame_limit > 0 {
            name.push_str(" framed");
        }
        name
    }

    /// The sets, the same every time.
    pub(crate) fn pair(&self) -> Pair {
        pair(self.items, self.differences, self.placement, 3)
    }
}

/// How files say it.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Placement", rename_all = "snake_case")]
enum PlacementName {
    Spread,
    Recent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_setups_apart() {
        let plain = Setup::spread(1_000, 10);
        let all = [
            plain,
            plain.recent(),
            plain.framed(60_000),
            plain.recent().framed(60_000),
        ];
        let names: Vec<String> = all.iter().map(Setup::name).collect();
        assert_eq!(names[0], "n1000 d10");
        assert_eq!(names[3], "n1000 d10 recent framed");
        for (index, name) in names.iter().enumerate() {
            assert!(!names[index + 1..].contains(name), "{name}");
        }
    }
}
