//! What the benches of this crate share.

/// Whether every bench is to run only once, to see that it runs.
#[must_use]
pub fn only_testing() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// How large an input should be: `large` to measure by, `small` where it is only to run.
#[must_use]
pub fn sized<T>(large: T, small: T) -> T {
    if only_testing() { small } else { large }
}
