//! How large the inputs of a bench are.

/// `large` to measure by; `small` in `--test` mode, where every bench runs once to see that it does.
pub(crate) fn sized<T>(large: T, small: T) -> T {
    if std::env::args().any(|arg| arg == "--test") {
        small
    } else {
        large
    }
}
