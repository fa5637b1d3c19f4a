//! Other ways to reconcile than ranges and fingerprints, and nwaku's way to split.

mod every_hash;
mod nwaku;
mod rateless;

pub(crate) use every_hash::EveryHash;
pub(crate) use nwaku::NwakuSplitting;
pub(crate) use rateless::Rateless;

#[cfg(test)]
mod tests {
    use benches::{Competitor, Laps, Pair, Placement, pair};

    use super::*;

    fn assert_finds_the_difference(build: fn(&Pair) -> Box<dyn Competitor>) {
        for placement in [Placement::Spread, Placement::Recent] {
            for differences in [0, 1, 2, 77, 400] {
                let pair = pair(3_000, differences, placement, 5);
                let competitor = build(&pair);
                let outcome = competitor.reconcile(&mut Laps::off());
                let name = competitor.name();
                assert!(outcome.is_difference_of(&pair), "{name}, {differences}");
                assert!(outcome.up.frames > 0 && outcome.down.frames > 0, "{name}");
            }
        }
    }

    #[test]
    fn sending_every_hash_finds_the_difference() {
        assert_finds_the_difference(|pair| Box::new(EveryHash::new(&pair.left, &pair.right)));
    }

    #[test]
    fn nwakus_splitting_finds_the_difference() {
        assert_finds_the_difference(|pair| Box::new(NwakuSplitting::new(&pair.left, &pair.right)));
    }

    #[test]
    fn a_rateless_table_finds_the_difference() {
        assert_finds_the_difference(|pair| Box::new(Rateless::new(&pair.left, &pair.right)));
    }

    #[test]
    fn every_hash_takes_32_bytes_an_item_and_32_a_difference() {
        let pair = pair(3_000, 77, Placement::Spread, 5);
        let outcome = EveryHash::new(&pair.left, &pair.right).reconcile(&mut Laps::off());
        assert_eq!(outcome.up.bytes, 32 * pair.left.len());
        assert_eq!(outcome.down.bytes, 8 + 32 * 77);
    }

    #[test]
    fn a_rateless_table_takes_little_more_than_the_differences() {
        let pair = pair(3_000, 400, Placement::Spread, 5);
        let outcome = Rateless::new(&pair.left, &pair.right).reconcile(&mut Laps::off());
        let least = 32 * 400;
        assert!(outcome.down.bytes > least && outcome.down.bytes < 2 * least);
    }
}
