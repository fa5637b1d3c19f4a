//! The ranges of a batch that will be split, divided together.

use alloc::vec::Vec;

use crate::cut::{Section, Share};
use crate::set::ItemSet;

/// About as many bytes as a part takes in a message: a bound of some five, a mode and a fingerprint. Where they are
/// fewer, the last sections that fit are divided one by one.
const PART_BYTES: usize = 22;

/// Sections, each divided into as many parts, which are taken in order.
#[derive(Debug, Default)]
pub(super) struct Splits {
    sections: Vec<Section>,
    shares: Vec<Share>,
    parts: usize,
    taken: usize,
}

impl Splits {
    /// Forgets what it has; the next sections are to be divided into `parts`.
    pub(super) fn clear(&mut self, parts: usize) {
        self.sections.clear();
        self.shares.clear();
        self.parts = parts;
        self.taken = 0;
    }

    /// Adds a section, which lies behind those added before; `false` once so many have been added that more
    /// are unlikely to fit into `room` bytes of a message.
    pub(super) fn add(&mut self, section: Section, room: usize) -> bool {
        self.sections.push(section);
        self.sections.len().saturating_mul(self.parts * PART_BYTES) <= room
    }

    /// Has `set` divide the sections.
    pub(super) fn divide(&mut self, set: &impl ItemSet) {
        if self.sections.is_empty() {
            return;
        }
        let count = self.sections.len() * self.parts;
        self.shares.resize(count, Share::default());
        set.divide_all(&self.sections, &mut self.shares);
    }

    /// The parts of `section`, if it is the next one.
    pub(super) fn take(&mut self, section: &Section) -> Option<&[Share]> {
        let index = self.taken;
        if self.sections.get(index) != Some(section) {
            return None;
        }
        self.taken += 1;
        self.shares
            .get(index * self.parts..(index + 1) * self.parts)
    }
}
