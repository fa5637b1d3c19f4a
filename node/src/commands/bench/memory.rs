//! How much memory a bench needs, and how much a session allocates.

use alloc_tracker::Session;
use anyhow::{Context, anyhow};
use sysinfo::System;

use crate::exit::Failure;
use crate::sync::report::{grouped, size};

/// What an item of a side needs when there is a peer: 80 bytes for the two sets as lists, 80 for
/// those of the peer, and 43 for the first tree, after which one list goes. Seen: 199, and 121 without
/// a peer.
const BYTES_PER_ITEM: u64 = 210;

/// What a difference needs in a session, where most items are listed along with the differing ones.
/// Seen: from 290 bytes where half of the items differ to 1,900 where one in a hundred does, which
/// is little beside the items.
const BYTES_PER_DIFFERENCE: u64 = 1_000;

/// Makes sure that the bench fits into the memory that is free, before the system kills it for that.
///
/// # Errors
/// When it doesn't.
pub(super) fn check(items: usize, most_diffs: usize) -> Result<(), Failure> {
    let Some(free) = free() else {
        return Ok(());
    };
    let needed = (items as u64)
        .saturating_mul(BYTES_PER_ITEM)
        .saturating_add((most_diffs as u64).saturating_mul(BYTES_PER_DIFFERENCE));
    if needed <= free {
        return Ok(());
    }
    Err(Failure::Usage(anyhow!(
        "--items {} needs {} of memory, and {} are free: expected fewer items",
        grouped(items as u64),
        size(needed),
        size(free)
    )))
}

/// What this process may still take of the machine, or of the container that it runs in; nothing
/// where that isn't known.
fn free() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let of_machine = Some(system.available_memory()).filter(|bytes| *bytes > 0);
    // The page cache counts as taken there, and gives way.
    let of_container = system
        .cgroup_limits()
        .map(|limits| limits.total_memory.saturating_sub(limits.rss));
    of_machine.into_iter().chain(of_container).min()
}

/// What `work` gives, and the most bytes that it held at one time of what it allocated itself, on
/// this thread.
///
/// # Errors
/// When the program isn't built with an allocator that counts.
pub(super) fn peak<T>(work: impl FnOnce() -> T) -> anyhow::Result<(T, u64)> {
    let session = Session::new().no_stdout().no_file();
    let span = session.operation("work").measure_thread().iterations(1);
    let result = work();
    drop(span);
    let report = session.to_report();
    let peak = report
        .operations()
        .find_map(|(_, operation)| operation.peak_outstanding_bytes())
        .filter(|bytes| *bytes > 0.0)
        .context("this program is built without the allocator that counts, see alloc_tracker")?;
    // The crate gives an average, here of one run.
    Ok((result, peak as u64))
}
