//! Has the system's allocator serve the command at hand.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use benches::allocator::{take_huge_pages, tune};
use wakustore::cli::{BenchArgs, Command};

/// Nodes give back what peers once had them take, and archives are measured as nodes have them. Other
/// benches take huge pages, as a node can where memory
/// isn't scarce: `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`.
pub(crate) fn suit(command: &Command) {
    match command {
        Command::Run(_)
        | Command::Bench(BenchArgs {
            subject: Some(_), ..
        }) => give_memory_back(),
        Command::Bench(_) => take_huge_pages(),
        _ => {}
    }
}

/// glibc's `malloc` gives blocks from some size on back to the system as soon as they are freed. The
/// size is 128 KiB at first, but grows with each such block to its size, up to 32 MiB: then what a
/// long frame took stays with the process, and in each of up to eight arenas a core anew. A fixed size
/// and an arena a core end that. Below 1 MiB, asking the system each time would cost too much.
fn give_memory_back() {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    tune(&format!(
        "glibc.malloc.mmap_threshold=1048576:glibc.malloc.arena_max={cores}"
    ));
}
