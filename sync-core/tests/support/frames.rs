//! How many frames a session of the `waku` dialect may take.

use sync_core::Item;

/// The most frames, both directions together, between two of our sessions with frames that are
/// never full.
pub(crate) fn most_frames(left: &[Item], right: &[Item]) -> usize {
    divisions(left) + divisions(right) + 4
}

/// How often the items of one side can be divided along one range.
fn divisions(items: &[Item]) -> usize {
    if items.len() <= 32 {
        return 0;
    }
    let levels = (1..).find(|n| 16_usize.pow(*n) >= items.len()).unwrap() as usize;
    if is_crowded(items) {
        (levels - 1) * (levels + 6) / 2
    } else {
        levels
    }
}

/// Whether some 8 ns hold more than 16 items.
fn is_crowded(items: &[Item]) -> bool {
    let mut times: Vec<u64> = items.iter().map(|item| item.timestamp).collect();
    times.sort_unstable();
    times.windows(17).any(|times| times[16] - times[0] < 8)
}
