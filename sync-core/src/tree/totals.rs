//! Running totals over the children of a branch.

use alloc::vec::Vec;
use core::ops;

use super::BRANCH_MAX;
use super::search::{lower_bound, lower_bound_from};
use crate::limbs::{Group, Sum, Xor};
use crate::summary::Summary;

/// How many children share a group: about the root of their number, so that a change touches as few
/// totals in its group as there are groups.
const GROUP: usize = 8;

const GROUPS: usize = BRANCH_MAX / GROUP;

/// For each of up to [`BRANCH_MAX`] children what all children before it hold together.
///
/// What a child itself holds is the difference of two entries, and what any run of children holds,
/// too: no loop, the length of which no processor predicts. That of the last child isn't there at
/// all; whoever comes down from the root knows what the whole branch holds. So an append, which goes
/// to the last child on every level, changes nothing here.
#[derive(Clone)]
pub(super) struct Totals {
    /// Of unused slots `u64::MAX`, so that a search needn't know how many are used.
    counts: [u64; BRANCH_MAX],
    sums: Prefixes<Sum>,
    xors: Prefixes<Xor>,
}

impl Totals {
    pub(super) const EMPTY: Self = Self {
        counts: [u64::MAX; BRANCH_MAX],
        sums: Prefixes {
            within: [Sum([0; 4]); BRANCH_MAX],
            groups: [Sum([0; 4]); GROUPS],
        },
        xors: Prefixes {
            within: [Xor([0; 4]); BRANCH_MAX],
            groups: [Xor([0; 4]); GROUPS],
        },
    };

    /// The summary of all children before `child`.
    #[inline]
    pub(super) fn before(&self, child: usize) -> Summary {
        let groups = (self.sums.before(child), self.xors.before(child));
        Summary::of_groups(self.count_before(child), groups)
    }

    /// The ids of the children before `child`, added up in the way that is asked for.
    #[inline]
    pub(super) fn ids_before<L: Lane>(&self, child: usize) -> L {
        L::before(&self.sums, &self.xors, child)
    }

    /// How many items the children before `child` hold.
    #[inline]
    pub(super) fn count_before(&self, child: usize) -> usize {
        self.counts[child] as usize
    }

    /// The child that holds the item of this rank, or the last child.
    #[inline]
    pub(super) fn child_at(&self, rank: usize) -> usize {
        lower_bound(&self.counts, rank as u64 + 1) - 1
    }

    /// As [`Totals::child_at`], where it is known to be `from` or behind it.
    #[inline]
    pub(super) fn child_from(&self, from: usize, rank: usize) -> usize {
        lower_bound_from(&self.counts, from + 1, rank as u64 + 1) - 1
    }

    /// Counts `more` to the child; `len` is the number of children.
    #[inline]
    pub(super) fn add(&mut self, child: usize, len: usize, more: &Summary) {
        let (sum, xor) = more.groups();
        let behind = child + 1..len;
        for count in &mut self.counts[behind.clone()] {
            *count = count.wrapping_add(more.count);
        }
        self.sums.change(behind.clone(), |total| total.add(&sum));
        self.xors.change(behind, |total| total.add(&xor));
    }

    /// Takes `less` off the child; `len` is the number of children.
    #[inline]
    pub(super) fn sub(&mut self, child: usize, len: usize, less: &Summary) {
        let (sum, xor) = less.groups();
        let behind = child + 1..len;
        for count in &mut self.counts[behind.clone()] {
            *count = count.wrapping_sub(less.count);
        }
        self.sums.change(behind.clone(), |total| total.sub(&sum));
        self.xors.change(behind, |total| total.sub(&xor));
    }

    /// Begins a child at `child`, with `before` in front of it. Those behind it lose what they were.
    pub(super) fn set(&mut self, child: usize, before: &Summary) {
        let (sum, xor) = before.groups();
        self.counts[child] = before.count;
        self.sums.set(child, sum);
        self.xors.set(child, xor);
    }

    /// Puts a child that holds `summary` in front of the one at `child`; `before` is what lies before
    /// it, and `len` the number of children so far.
    pub(super) fn insert(&mut self, child: usize, len: usize, before: &Summary, summary: &Summary) {
        let behind = self.from(child, len);
        self.set(child, before);
        for (place, start) in behind.into_iter().enumerate() {
            self.set(child + 1 + place, &(start + *summary));
        }
    }

    /// Takes out `count` children from `child` on, of `len`, and what they hold.
    pub(super) fn remove(&mut self, child: usize, count: usize, len: usize) {
        let start = self.before(child);
        let behind = self.from(child + count, len);
        let gone = behind.first().map_or(Summary::EMPTY, |end| *end - start);
        for (place, start) in behind.into_iter().enumerate() {
            self.set(child + place, &(start - gone));
        }
        self.counts[len - count..len].fill(u64::MAX);
    }

    /// Makes one of `child`, which isn't the first, and the one before it, of `len`.
    pub(super) fn join(&mut self, child: usize, len: usize) {
        for (place, start) in self.from(child + 1, len).into_iter().enumerate() {
            self.set(child + place, &start);
        }
        self.counts[len - 1] = u64::MAX;
    }

    /// Forgets the children from `child` on.
    pub(super) fn truncate(&mut self, child: usize) {
        self.counts[child..].fill(u64::MAX);
    }

    /// Moves `moved` from the child behind the boundary to the one before, or the other way round.
    pub(super) fn shift(&mut self, boundary: usize, moved: &Summary, to_the_right: bool) {
        let (sum, xor) = moved.groups();
        let count = &mut self.counts[boundary];
        if to_the_right {
            *count = count.wrapping_sub(moved.count);
            self.sums
                .change_one(boundary, |start| start.sub(&sum), |rest| rest.add(&sum));
        } else {
            *count = count.wrapping_add(moved.count);
            self.sums
                .change_one(boundary, |start| start.add(&sum), |rest| rest.sub(&sum));
        }
        let swap = |entry: &mut Xor| entry.add(&xor);
        self.xors.change_one(boundary, swap, swap);
    }

    /// What lies before each child from `child` on.
    fn from(&self, child: usize, len: usize) -> Vec<Summary> {
        (child..len).map(|child| self.before(child)).collect()
    }
}

/// What lies before each child, in two steps: from the start of its group, and before the group.
///
/// An entry is the sum of two, and a change to one child changes up to 15, half of that on average,
/// where prefix totals in one step would change up to 63. Entries of unused slots mean nothing.
#[derive(Clone)]
pub(super) struct Prefixes<G> {
    within: [G; BRANCH_MAX],
    groups: [G; GROUPS],
}

impl<G: Group> Prefixes<G> {
    #[inline]
    fn before(&self, child: usize) -> G {
        let mut before = self.groups[child / GROUP];
        before.add(&self.within[child]);
        before
    }

    /// Changes what lies before each of `children`, the last ones, in a way that commutes with sums.
    #[inline]
    fn change(&mut self, children: ops::Range<usize>, change: impl Fn(&mut G)) {
        let end = children.start.next_multiple_of(GROUP).min(children.end);
        self.within[children.start..end]
            .iter_mut()
            .for_each(&change);
        self.groups[end.div_ceil(GROUP)..children.end.div_ceil(GROUP)]
            .iter_mut()
            .for_each(&change);
    }

    /// Changes what lies before `child` alone; `inverse` takes the change back.
    fn change_one(&mut self, child: usize, change: impl Fn(&mut G), inverse: impl Fn(&mut G)) {
        if child.is_multiple_of(GROUP) {
            change(&mut self.groups[child / GROUP]);
            self.within[child + 1..child + GROUP]
                .iter_mut()
                .for_each(inverse);
        } else {
            change(&mut self.within[child]);
        }
    }

    /// The others of the group behind `child` lose what they were if it is the first of it.
    #[inline]
    fn set(&mut self, child: usize, before: G) {
        let mut within = before;
        if child.is_multiple_of(GROUP) {
            self.groups[child / GROUP] = before;
            within = G::default();
        } else {
            within.sub(&self.groups[child / GROUP]);
        }
        self.within[child] = within;
    }
}

/// A way to add up ids for which branches and leaves keep totals.
pub(super) trait Lane: Group {
    fn before(sums: &Prefixes<Sum>, xors: &Prefixes<Xor>, child: usize) -> Self;

    /// Of both totals the one that is asked for.
    fn of(both: &(Sum, Xor)) -> Self;
}

impl Lane for Sum {
    #[inline]
    fn before(sums: &Prefixes<Sum>, _xors: &Prefixes<Xor>, child: usize) -> Self {
        sums.before(child)
    }

    #[inline]
    fn of(both: &(Sum, Xor)) -> Self {
        both.0
    }
}

impl Lane for (Sum, Xor) {
    #[inline]
    fn before(sums: &Prefixes<Sum>, xors: &Prefixes<Xor>, child: usize) -> Self {
        (sums.before(child), xors.before(child))
    }

    #[inline]
    fn of(both: &(Sum, Xor)) -> Self {
        *both
    }
}

const _: () = assert!(BRANCH_MAX.is_multiple_of(GROUP));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Id;

    /// Edits totals and a plain list of what each child holds alike.
    #[test]
    fn totals_are_those_of_the_plain_list_through_any_edits() {
        let summary = |n: usize| Summary::of(&Id([n as u8 ^ 0x80; 32]));
        let (mut totals, mut plain) = (Totals::EMPTY, Vec::<Summary>::new());
        for n in 0..4_000usize {
            let len = plain.len();
            let at = (n * 7_919) % (len + 1);
            if len == BRANCH_MAX || (n % 5 == 4 && len > 3) {
                let at = at.min(len - 2);
                if n % 2 == 0 {
                    totals.remove(at, 1 + n % 3 / 2, len);
                    plain.drain(at..at + 1 + n % 3 / 2);
                } else {
                    totals.join(at + 1, len);
                    let joined = plain.remove(at + 1);
                    plain[at] += &joined;
                }
            } else if n % 5 == 3 && len > 1 {
                let at = at.min(len - 2);
                match n % 4 {
                    0 => {
                        totals.add(at, len, &summary(n));
                        plain[at] += &summary(n);
                    }
                    1 => {
                        let less = plain[at];
                        totals.sub(at, len, &less);
                        plain[at] -= &less;
                    }
                    turn => {
                        let to_the_right = turn == 2;
                        let moved = plain[if to_the_right { at } else { at + 1 }];
                        totals.shift(at + 1, &moved, to_the_right);
                        let (left, right) = (plain[at], plain[at + 1]);
                        let sum = left + right;
                        let none = Summary::EMPTY;
                        (plain[at], plain[at + 1]) = if to_the_right {
                            (none, sum)
                        } else {
                            (sum, none)
                        };
                    }
                }
            } else {
                let before = plain[..at]
                    .iter()
                    .fold(Summary::EMPTY, |sum, next| sum + *next);
                totals.insert(at, len, &before, &summary(n));
                plain.insert(at, summary(n));
            }
            check(&totals, &plain);
        }
        totals.truncate(5);
        check(&totals, &plain[..5]);
    }

    fn check(totals: &Totals, plain: &[Summary]) {
        let mut before = Summary::EMPTY;
        for (child, summary) in plain.iter().enumerate() {
            assert_eq!(totals.before(child), before);
            assert_eq!(totals.ids_before::<Sum>(child), before.groups().0);
            for rank in before.count..before.count + summary.count {
                let found = totals.child_at(rank as usize);
                assert_eq!(totals.child_from(child / 2, rank as usize), found);
                assert_eq!(found, child);
            }
            before += summary;
        }
    }
}
