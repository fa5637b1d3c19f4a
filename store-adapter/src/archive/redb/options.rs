//! What an archive of redb files is to be told when it is opened.

use crate::archive::ArchiveOptions;
use crate::limits::{OPEN_UNITS, UNIT_BYTES, UNIT_BYTES_LEAST, UNITS_UNDER_CAP};

/// What a [`RedbArchive`](super::RedbArchive) is to be told when it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedbOptions {
    /// Bytes of the disk that a unit is to take; [`UNIT_BYTES`]. An archive keeps the units that it
    /// has; later ones are made so.
    pub unit_bytes: u64,
    /// Most units that are open at a time; [`OPEN_UNITS`].
    pub open_units: usize,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            unit_bytes: UNIT_BYTES,
            open_units: OPEN_UNITS,
        }
    }
}

impl From<&ArchiveOptions> for RedbOptions {
    /// A cap on the disk is divided into [`UNITS_UNDER_CAP`] units.
    fn from(options: &ArchiveOptions) -> Self {
        let default = Self::default();
        let share = options.disk_cap.map(|cap| cap / UNITS_UNDER_CAP);
        Self {
            unit_bytes: share.map_or(UNIT_BYTES, |bytes| {
                bytes.clamp(UNIT_BYTES_LEAST, UNIT_BYTES)
            }),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_divided_within_bounds() {
        let unit_bytes = |cap| {
            let options = ArchiveOptions {
                disk_cap: cap,
                ..ArchiveOptions::default()
            };
            RedbOptions::from(&options).unit_bytes
        };
        let cases = [
            (None, UNIT_BYTES),
            (Some(0), UNIT_BYTES_LEAST),
            (Some(UNIT_BYTES_LEAST * UNITS_UNDER_CAP), UNIT_BYTES_LEAST),
            (Some(1 << 30), 32 << 20),
            (Some(UNIT_BYTES * UNITS_UNDER_CAP), UNIT_BYTES),
            (Some(u64::MAX), UNIT_BYTES),
        ];
        for (cap, expected) in cases {
            assert_eq!(unit_bytes(cap), expected, "{cap:?}");
        }
    }
}
