//! What the fuzz targets share: sets made from few bytes, sources, runs of sessions, and how much
//! memory something takes.
#![forbid(unsafe_code)]

pub mod allocation;
pub mod exchange;
pub mod reads;
pub mod records;
pub mod sets;
pub mod side;
pub mod source;
pub mod stage;
pub mod turns;

/// Counts what each thread allocates, for [`allocation`].
#[global_allocator]
static ALLOCATOR: alloc_tracker::Allocator<std::alloc::System> = alloc_tracker::Allocator::system();
