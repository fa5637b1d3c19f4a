//! A node under attack by many peers of many kinds at once: it goes on syncing with an honest one,
//! and its memory stays bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::adversaries::Target;
use crate::support::{Place, assert_both_export, messages, resident_bytes, two_archives};

/// How long the attack goes on, at least.
const ATTACK: Duration = Duration::from_secs(8);

/// How much the node's resident memory may grow, in bytes.
const MOST_GROWTH: u64 = 64 << 20;

/// Watches a process while `work` is done; gives the most memory that it had.
fn watched(process: u32, work: impl FnOnce()) -> u64 {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(resident_bytes(process));
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let ending = Ending(&over);
        work();
        drop(ending);
        watching.join().unwrap()
    })
}

/// Sets what it holds in the end, also where that is a panic.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn honest_sync_goes_on_and_memory_stays_bounded_while_adversaries_keep_at_it() {
    let (place, all) = (Place::new(), messages(3_000, 9));
    two_archives(&place, &all);
    let mut b = place.node("b", &["--cluster-id=99", "--store-sync-interval=1h"]);
    let static_node = format!("--staticnode={}", b.address);
    let arguments = [
        "--cluster-id=99",
        "--store-sync-interval=3s",
        "--store-sync-range=2h",
        &static_node,
    ];
    let mut a = place.node("a", &arguments);
    a.wait_for(&["connected"]);
    let target = Target::of(&a);
    let before = resident_bytes(a.id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = Instant::now();
    let most = watched(a.id(), || {
        let mut adversaries = JoinSet::new();
        runtime.block_on(async { target.attack(&mut adversaries) });
        let peer = |node: &str| node.rsplit('/').next().unwrap().to_owned();
        a.wait_for(&["synced", &peer(&b.address), "owed=0", "undelivered=0"]);
        b.wait_for(&["filled", &peer(&a.address), "owed=0"]);
        std::thread::sleep(ATTACK.saturating_sub(start.elapsed()));
        // On a busy machine some take longer to get through.
        while !target.done.everything() && start.elapsed() < 4 * ATTACK {
            std::thread::sleep(ATTACK / 100);
        }
        runtime.block_on(adversaries.shutdown());
    });
    let (mib, grown) = (f64::from(1 << 20), most.saturating_sub(before));
    println!(
        "resident memory grew by {:.1} MiB, from {:.1} MiB, in {:?} of {:?}",
        grown as f64 / mib,
        before as f64 / mib,
        start.elapsed(),
        target.done
    );
    assert!(
        grown <= MOST_GROWTH,
        "resident memory grew by {grown} bytes"
    );
    assert!(target.done.everything(), "{:?}", target.done);
    assert_eq!(b.terminate(), Some(0));
    assert_eq!(a.terminate(), Some(0));
    assert_both_export(&place, &all);
}
