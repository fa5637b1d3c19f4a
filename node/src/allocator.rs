//! Has the system's allocator give memory back that peers once had a node take.
//!
//! glibc's `malloc` gives blocks from some size on back to the system as soon as they are freed. The
//! size is 128 KiB at first, but grows with each such block to its size, up to 32 MiB: then what a
//! long frame took stays with the process, and in each of up to eight arenas a core anew. A fixed size
//! and an arena a core, which `MALLOC_MMAP_THRESHOLD_` and `MALLOC_ARENA_MAX` set, end that
//! (`mallopt(3)`). They are read before `main`, so the program starts itself again with them.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::env;
    use std::num::NonZeroUsize;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::thread::available_parallelism;

    const BLOCKS: &str = "MALLOC_MMAP_THRESHOLD_";
    const ARENAS: &str = "MALLOC_ARENA_MAX";

    /// Blocks from 1 MiB on: below that, asking the system each time would cost too much.
    const THRESHOLD: &str = "1048576";

    /// What says how the allocator is to be; whoever sets one has decided.
    const DECIDED: [&str; 3] = [BLOCKS, ARENAS, "GLIBC_TUNABLES"];

    pub(crate) fn give_memory_back() {
        if DECIDED.iter().any(|name| env::var_os(name).is_some()) {
            return;
        }
        let (Ok(program), mut arguments) = (env::current_exe(), env::args_os()) else {
            return;
        };
        let mut again = Command::new(program);
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        again.env(BLOCKS, THRESHOLD).env(ARENAS, cores.to_string());
        // It returns only if it failed, and then the program goes on as it is.
        let _ = again.args(arguments).exec();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) use glibc::give_memory_back;

/// Other allocators do by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_memory_back() {}
