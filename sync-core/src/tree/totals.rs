//! Running totals over the children of a branch.

use alloc::vec::Vec;

use super::BRANCH_MAX;
use crate::summary::Summary;

/// How many children share a group: about the root of their number, so that a change touches as few
/// totals in its group as there are groups.
const GROUP: usize = 8;

const GROUPS: usize = BRANCH_MAX / GROUP;

/// The summaries of up to [`BRANCH_MAX`] children, as prefix totals in two steps: over the children
/// of a group, and over the groups.
///
/// What lies before a child is the sum of two entries, whichever child it is, where plain summaries
/// would have to be added up in a loop, the length of which no processor predicts. A change to one
/// child changes up to 16 entries, half of that on average, where prefix totals in one step would
/// change up to 64; a change to the last child, as appends make it, changes one or two.
#[derive(Clone)]
pub(super) struct Totals {
    /// For each child the total from the start of its group through it.
    within: [Summary; BRANCH_MAX],
    /// For each group the total of those before it; true up to the group where the next child goes.
    before: [Summary; GROUPS + 1],
    len: usize,
}

impl Totals {
    pub(super) const EMPTY: Self = Self {
        within: [Summary::EMPTY; BRANCH_MAX],
        before: [Summary::EMPTY; GROUPS + 1],
        len: 0,
    };

    /// Adds a child behind the others.
    pub(super) fn push(&mut self, summary: Summary) {
        let within = self.in_group_before(self.len) + summary;
        self.within[self.len] = within;
        self.len += 1;
        if self.len.is_multiple_of(GROUP) {
            let group = self.len / GROUP;
            self.before[group] = self.before[group - 1] + within;
        }
    }

    /// Adds a child at `at`; those from there on move up.
    pub(super) fn insert(&mut self, at: usize, summary: Summary) {
        let tail = self.take_from(at);
        self.push(summary);
        tail.into_iter().for_each(|summary| self.push(summary));
    }

    /// Takes out `count` children from `at` on.
    pub(super) fn remove(&mut self, at: usize, count: usize) {
        let tail = self.take_from(at);
        tail.into_iter()
            .skip(count)
            .for_each(|summary| self.push(summary));
    }

    /// Takes the children from `at` on.
    pub(super) fn take_from(&mut self, at: usize) -> Vec<Summary> {
        let tail = (at..self.len).map(|child| self.of(child)).collect();
        self.len = at;
        tail
    }

    /// Changes the summary of `child`, by a change that commutes with sums.
    #[inline]
    pub(super) fn change(&mut self, child: usize, change: impl Fn(&mut Summary)) {
        let group = child / GROUP;
        let end = self.len.min((group + 1) * GROUP);
        self.within[child..end].iter_mut().for_each(&change);
        let whole = self.len / GROUP;
        if group < whole {
            self.before[group + 1..=whole].iter_mut().for_each(&change);
        }
    }

    /// The summary of `child`.
    #[inline]
    pub(super) fn of(&self, child: usize) -> Summary {
        self.within[child] - self.in_group_before(child)
    }

    /// The summary of all children before `child`, which may be one past the last.
    #[inline]
    pub(super) fn before(&self, child: usize) -> Summary {
        self.before[child / GROUP] + self.in_group_before(child)
    }

    /// How many items the children before `child` hold.
    #[inline]
    pub(super) fn count_before(&self, child: usize) -> usize {
        let mut count = self.before[child / GROUP].count;
        if !child.is_multiple_of(GROUP) {
            count += self.within[child - 1].count;
        }
        count as usize
    }

    /// The child that holds the item of this rank, or the last child.
    #[inline]
    pub(super) fn child_at(&self, rank: usize) -> usize {
        let last = (self.len - 1) / GROUP;
        let ends = &self.before[1..=last];
        let group = ends.iter().filter(|end| end.count <= rank as u64).count();
        let rest = rank as u64 - self.before[group].count;
        let start = group * GROUP;
        let end = self.len.min(start + GROUP) - 1;
        let passed = self.within[start..end].iter();
        start + passed.filter(|through| through.count <= rest).count()
    }

    #[inline]
    fn in_group_before(&self, child: usize) -> Summary {
        if child.is_multiple_of(GROUP) {
            Summary::EMPTY
        } else {
            self.within[child - 1]
        }
    }
}

const _: () = assert!(BRANCH_MAX.is_multiple_of(GROUP));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Id;

    #[test]
    fn totals_are_those_of_the_plain_list_through_any_edits() {
        let summary = |n: usize| Summary::of(&Id([n as u8 ^ 0x80; 32]));
        let (mut totals, mut plain) = (Totals::EMPTY, Vec::new());
        for n in 0..2_000usize {
            let at = (n * 7_919) % (plain.len() + 1);
            if plain.len() == BRANCH_MAX || n % 5 == 4 {
                let gone = at.min(plain.len() - 2)..at.min(plain.len() - 2) + 1 + n % 2;
                totals.remove(gone.start, gone.len());
                plain.drain(gone);
            } else if n % 5 == 3 {
                let at = at.min(plain.len() - 1);
                totals.change(at, |total| *total += &summary(n));
                plain[at] += &summary(n);
            } else {
                totals.insert(at, summary(n));
                plain.insert(at, summary(n));
            }
            check(&totals, &plain);
        }
        let tail = totals.take_from(5);
        assert_eq!(tail, plain[5..]);
        check(&totals, &plain[..5]);
    }

    fn check(totals: &Totals, plain: &[Summary]) {
        let mut before = Summary::EMPTY;
        for (child, summary) in plain.iter().enumerate() {
            assert_eq!(totals.of(child), *summary);
            assert_eq!(totals.before(child), before);
            assert_eq!(totals.count_before(child) as u64, before.count);
            for rank in before.count..before.count + summary.count {
                assert_eq!(totals.child_at(rank as usize), child);
            }
            before += summary;
        }
        assert_eq!(totals.before(plain.len()), before);
        assert_eq!(totals.child_at(before.count as usize), plain.len() - 1);
    }
}
