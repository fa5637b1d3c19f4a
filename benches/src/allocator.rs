//! How the system's allocator gets its memory, where that can be said: with glibc.

/// The environment variable that glibc reads before `main`: `mallopt(3)` and its manual's "Memory
/// Allocation Tunables".
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TUNABLES: &str = "GLIBC_TUNABLES";

/// What else says how the allocator is to be; whoever sets one has decided.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const DECIDED: [&str; 3] = [TUNABLES, "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX"];

/// Has memory come in huge pages, where the system lets programs ask for them (`always` or `madvise` in
/// `/sys/kernel/mm/transparent_hugepage/enabled`).
///
/// An index is read and written all over. On pages of 4 KiB nearly every item of it costs a search in the
/// page tables besides the cache miss; on huge ones random inserts and fingerprints of ranges take a fifth
/// to a third less.
pub fn take_huge_pages() {
    tune("glibc.malloc.hugetlb=1");
}

/// Starts this program again with these tunables of glibc, `NAME=VALUE` with colons between them, unless the
/// environment says already how the allocator is to be. Elsewhere, and if that fails, the program goes on
/// as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn tune(tunables: &str) {
    use std::os::unix::process::CommandExt;
    use std::{env, process};

    if DECIDED.iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let (Ok(program), mut arguments) = (env::current_exe(), env::args_os()) else {
        return;
    };
    let mut again = process::Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only if it failed.
    let _ = again.args(arguments).env(TUNABLES, tunables).exec();
}

/// Other allocators are taken as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn tune(_tunables: &str) {}
