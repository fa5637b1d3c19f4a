//! The program `wakustore`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod allocator;

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use wakustore::commands;
use wakustore::config::{self, Notice};
use wakustore::output::{say, tell};

/// Counts what each thread allocates, for `wakustore bench`.
///
/// A running node pays for this too, which decided between the crates that do it. This one keeps
/// counters of each thread's own: over the system's allocator an allocation takes a nanosecond or two
/// more, with two threads at work as with one, where the shared counters of `peakmem-alloc` make two
/// threads take twenty times as long. And it hands growth on to the system, which can often extend a
/// block in place: `allocation-counter`, whose counters are thread-local too, always copies, and
/// makes a growing vector take two and a half times as long. The price is some 60 bytes for each
/// thread that was ever started, which are never freed: see [`IDLE_THREADS_STAY`].
#[global_allocator]
static ALLOCATOR: alloc_tracker::Allocator<std::alloc::System> = alloc_tracker::Allocator::system();

/// How long a thread for blocking work waits for more. Sessions and the archive need some every few
/// minutes; started anew each time, they would add up over years by what the allocator keeps of each.
const IDLE_THREADS_STAY: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let loaded = match config::load(std::env::args_os(), std::env::vars_os()) {
        Ok(loaded) => loaded,
        Err(error) => return error.report(),
    };
    if let Some(printed) = loaded.printed() {
        if let Err(failure) = commands::check(&loaded.cli.command) {
            tell(format_args!("error: {failure}"));
            return failure.code();
        }
        return match say(printed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    allocator::suit(&loaded.cli.command);
    let levels = commands::start_log(&loaded);
    loaded.notices.iter().for_each(Notice::log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(IDLE_THREADS_STAY)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format_args!("no runtime: {error}")),
    };
    outlive_file_limits(&runtime);
    match runtime.block_on(commands::run(loaded.cli.command, levels)) {
        Ok(code) => code,
        Err(failure) => {
            tell(format_args!("error: {failure}"));
            failure.code()
        }
    }
}

fn failed(error: &dyn Display) -> ExitCode {
    tell(format_args!("error: {error}"));
    ExitCode::FAILURE
}

/// Has writes fail that would make a file longer than the process may (`ulimit -f`), where the system
/// would end the program otherwise: then the archive tells of it, and goes on once there is room.
fn outlive_file_limits(runtime: &Runtime) {
    let _entered = runtime.enter();
    // The handler stays for as long as the process. Without one it is ended, which loses no more than
    // any other end.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}
