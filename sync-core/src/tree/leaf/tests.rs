//! Leaves against plain lists, wherever the items lie.

use alloc::vec::Vec;

use super::*;

/// Items of few times, the first of them 0, in no order.
fn items() -> impl Iterator<Item = Item> {
    (0u64..).map(|n| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut id = Id::ZERO;
        id.0[..8].copy_from_slice(&mixed.to_be_bytes());
        id.0[24..].copy_from_slice(&n.wrapping_mul(mixed).to_be_bytes());
        Item::new(mixed % 40, id)
    })
}

fn of(items: &[Item], start: usize) -> Leaf {
    let mut leaf = Leaf::from_items(items);
    leaf.keep(0..items.len(), start);
    leaf
}

fn sum(items: &[Item]) -> (Sum, crate::limbs::Xor) {
    Group::of_ids(&items.iter().map(|item| item.id).collect::<Vec<_>>())
}

/// Holds what is read of the leaf against a plain list.
fn check(leaf: &Leaf, plain: &[Item]) {
    leaf.check();
    assert!(leaf.items(0..leaf.len()).eq(plain.iter().copied()));
    for slot in 0..=plain.len() {
        assert_eq!(
            leaf.ids_before::<(Sum, _)>(leaf.place(slot), None),
            sum(&plain[..slot])
        );
    }
    let keys = (0..42).flat_map(|time| [Id::ZERO, Id([0x7f; 32])].map(|id| Item::new(time, id)));
    for key in keys.chain(plain.iter().copied()) {
        let slot = plain.partition_point(|item| *item < key);
        assert_eq!(leaf.slot(&key), slot);
        assert_eq!(leaf.slot_warm(&key), slot);
        for from in 0..=plain.partition_point(|item| item.timestamp < key.timestamp) {
            assert_eq!(leaf.slot_from(from, &key), slot);
        }
    }
}

#[test]
fn items_come_and_go_as_in_a_plain_list_wherever_they_lie() {
    for start in [0, 1, 31, 32, 64, 97, LEAF_MAX] {
        let (mut leaf, mut plain) = (of(&[], start), Vec::new());
        for (n, item) in items().take(600).enumerate() {
            if plain.len() == LEAF_MAX || n % 5 == 4 {
                let slot = n % plain.len();
                leaf.remove(slot);
                plain.remove(slot);
            }
            let slot = leaf.slot(&item);
            leaf.put(slot, &item);
            plain.insert(slot, item);
            if n % 7 == 0 {
                check(&leaf, &plain);
            }
        }
        check(&leaf, &plain);
    }
}

#[test]
fn appends_find_room_wherever_the_items_lie() {
    for start in [0, 40, 100] {
        let mut sorted: Vec<Item> = items().take(LEAF_MAX).collect();
        sorted.sort_unstable();
        let mut leaf = of(&sorted[..20], start);
        for len in 20..LEAF_MAX {
            leaf.put(len, &sorted[len]);
            check(&leaf, &sorted[..=len]);
        }
    }
}

#[test]
fn neighbours_share_their_items_wherever_these_lie() {
    let mut sorted: Vec<Item> = items().take(140).collect();
    sorted.sort_unstable();
    for cut in [12, 60, 70, 128] {
        for starts in [[0, 0], [LEAF_MAX, 0], [0, LEAF_MAX], [9, 9]] {
            let (low, high) = sorted.split_at(cut);
            let [mut left, mut right] = [(low, starts[0]), (high, starts[1])]
                .map(|(items, start)| of(items, start.min(LEAF_MAX - items.len())));
            let (moved, to_the_right) = left.level(&mut right, 16);
            let now = left.len();
            assert_eq!(now.abs_diff(cut), cut.abs_diff(70).min(16));
            assert_eq!(to_the_right, cut >= 70);
            assert_eq!(
                moved,
                sorted[now.min(cut)..now.max(cut)]
                    .iter()
                    .map(|item| &item.id)
                    .collect()
            );
            check(&left, &sorted[..now]);
            check(&right, &sorted[now..]);
        }
    }
}
