//! Running totals over the children of a branch.

use alloc::vec::Vec;
use core::ops;

use super::BRANCH_MAX;
use crate::limbs::{Group, Sum, Total, Xor};
use crate::summary::Summary;

/// How many children share a group: about the root of their number, so that a change touches as few
/// totals in its group as there are groups.
const GROUP: usize = 8;

const GROUPS: usize = BRANCH_MAX / GROUP;

/// For each of up to [`BRANCH_MAX`] children what all children before it hold together.
///
/// What a child itself holds is the difference of two entries, and what any run of children holds,
/// too: no loop, the length of which no processor predicts. That of the last child isn't there at
/// all; sums in it go forward from its front or middle. So an append, which goes to the last child on
/// every level, changes nothing here.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Totals {
    /// Sum and xor of a child share a line of the cache, as an insert changes both.
    ids: Prefixes<(Sum, Xor)>,
    /// Of unused slots and groups [`Count::NONE`], so that a search needn't know how many are used.
    counts: Prefixes<Count>,
}

impl Totals {
    pub(super) const EMPTY: Self = Self {
        ids: Prefixes {
            within: [(Sum([0; 4]), Xor([0; 4])); BRANCH_MAX],
            groups: [(Sum([0; 4]), Xor([0; 4])); GROUPS],
        },
        counts: Prefixes {
            within: [Count::NONE; BRANCH_MAX],
            groups: [Count::NONE; GROUPS],
        },
    };

    /// The summary of all children before `child`.
    #[inline]
    pub(super) fn before(&self, child: usize) -> Summary {
        Summary::of_groups(self.count_before(child), self.ids.before(child))
    }

    /// The ids of the children before `child`, added up in the way that is asked for.
    #[inline]
    pub(super) fn ids_before<L: Lane>(&self, child: usize) -> L {
        let mut before = L::of(&self.ids.groups[child / GROUP]);
        before.add(&L::of(&self.ids.within[child]));
        before
    }

    /// How many items the children before `child` hold.
    #[inline]
    pub(super) fn count_before(&self, child: usize) -> usize {
        self.counts.before(child).0 as usize
    }

    /// The child that holds the item of this rank, or the last child.
    #[inline]
    pub(super) fn child_at(&self, rank: usize) -> usize {
        let group = last_up_to(&self.counts.groups, rank as u64);
        let rest = rank as u64 - self.counts.groups[group].0;
        let (groups, _) = self.counts.within.as_chunks::<GROUP>();
        group * GROUP + last_up_to(&groups[group], rest)
    }

    /// Counts `more` to the child; `len` is the number of children.
    #[inline]
    pub(super) fn add(&mut self, child: usize, len: usize, more: &Summary) {
        let (ids, count) = (more.groups(), Count(more.count));
        self.ids.change(child + 1..len, |total| total.add(&ids));
        self.counts
            .change(child + 1..len, |total| total.add(&count));
    }

    /// Takes `less` off the child; `len` is the number of children.
    #[inline]
    pub(super) fn sub(&mut self, child: usize, len: usize, less: &Summary) {
        let (ids, count) = (less.groups(), Count(less.count));
        self.ids.change(child + 1..len, |total| total.sub(&ids));
        self.counts
            .change(child + 1..len, |total| total.sub(&count));
    }

    /// Begins a child at `child`, with `before` in front of it. Those behind it lose what they were.
    pub(super) fn set(&mut self, child: usize, before: &Summary) {
        self.ids.set(child, before.groups());
        self.counts.set(child, Count(before.count));
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
        self.truncate(len - count);
    }

    /// Makes one of `child`, which isn't the first, and the one before it, of `len`.
    pub(super) fn join(&mut self, child: usize, len: usize) {
        for (place, start) in self.from(child + 1, len).into_iter().enumerate() {
            self.set(child + place, &start);
        }
        self.truncate(len - 1);
    }

    /// Forgets the children from `child` on.
    pub(super) fn truncate(&mut self, child: usize) {
        self.counts.within[child..].fill(Count::NONE);
        self.counts.groups[child.div_ceil(GROUP)..].fill(Count::NONE);
    }

    /// Moves `moved` from the child behind the boundary to the one before, or the other way round;
    /// `len` is the number of children.
    pub(super) fn shift(
        &mut self,
        boundary: usize,
        len: usize,
        moved: &Summary,
        to_the_right: bool,
    ) {
        let (ids, count) = (moved.groups(), Count(moved.count));
        if to_the_right {
            self.ids.change_one(
                boundary,
                len,
                |start| start.sub(&ids),
                |rest| rest.add(&ids),
            );
            self.counts.change_one(
                boundary,
                len,
                |start| start.sub(&count),
                |rest| rest.add(&count),
            );
        } else {
            self.ids.change_one(
                boundary,
                len,
                |start| start.add(&ids),
                |rest| rest.sub(&ids),
            );
            self.counts.change_one(
                boundary,
                len,
                |start| start.add(&count),
                |rest| rest.sub(&count),
            );
        }
    }

    /// What lies before each child from `child` on.
    fn from(&self, child: usize, len: usize) -> Vec<Summary> {
        (child..len).map(|child| self.before(child)).collect()
    }
}

/// How many items.
#[derive(Clone, Copy, Default)]
struct Count(u64);

impl Count {
    /// More than there can be.
    const NONE: Self = Self(u64::MAX);
}

impl Total for Count {
    #[inline]
    fn add(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    #[inline]
    fn sub(&mut self, other: &Self) {
        self.0 = self.0.wrapping_sub(other.0);
    }
}

/// What lies before each child, in two steps: from the start of its group, and before the group.
///
/// An entry is the sum of two, and a change to one child changes up to 15, half of that on average,
/// where prefix totals in one step would change up to 63. Entries of unused slots mean nothing.
#[derive(Clone)]
struct Prefixes<G> {
    within: [G; BRANCH_MAX],
    groups: [G; GROUPS],
}

impl<G: Total> Prefixes<G> {
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

    /// Changes what lies before `child` alone, of `len`; `inverse` takes the change back.
    fn change_one(
        &mut self,
        child: usize,
        len: usize,
        change: impl Fn(&mut G),
        inverse: impl Fn(&mut G),
    ) {
        if child.is_multiple_of(GROUP) {
            change(&mut self.groups[child / GROUP]);
            self.within[child + 1..len.min(child + GROUP)]
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

/// The last of these ascending counts that isn't over `rank`, or the first.
#[inline]
fn last_up_to<const N: usize>(counts: &[Count; N], rank: u64) -> usize {
    const { assert!(N.is_power_of_two()) };
    let (mut last, mut step) = (0, N / 2);
    while step > 0 {
        last += step * usize::from(counts[last + step].0 <= rank);
        step /= 2;
    }
    last
}

/// A way to add up ids.
pub(super) trait Lane: Group {
    /// Of both totals the one that is asked for.
    fn of(both: &(Sum, Xor)) -> Self;
}

impl Lane for Sum {
    #[inline]
    fn of(both: &(Sum, Xor)) -> Self {
        both.0
    }
}

impl Lane for (Sum, Xor) {
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
                        totals.shift(at + 1, len, &moved, to_the_right);
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
                assert_eq!(found, child);
            }
            before += summary;
        }
    }
}
