//! The versions of what is compared, as they are locked.

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The name and version of a package: `negentropy 0.5.3`.
pub(crate) fn named(package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = LOCK
        .split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version);
    format!("{package} {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_locked() {
        assert_eq!(
            named("compare"),
            concat!("compare ", env!("CARGO_PKG_VERSION"))
        );
        assert_eq!(named("no such package"), "no such package unknown");
    }
}
