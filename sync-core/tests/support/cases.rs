//! How many cases a property is tried with.

use proptest::prelude::ProptestConfig;

/// The cases of each property in a release build.
const THOROUGH: u32 = 1_000;

/// As many cases as `PROPTEST_CASES` says; else `quick` in a debug build, which has to be quick, and
/// at least 1,000 in a release build.
pub(crate) fn cases(quick: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = if cfg!(debug_assertions) {
            quick
        } else {
            quick.max(THOROUGH)
        };
    }
    config
}
