//! Where the programs of PostgreSQL are.

use std::path::{Path, PathBuf};

/// Where Debian and its heirs keep the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The directory that has both `initdb` and `postgres`: the newest version under [`VERSIONS`], or
/// else one that is in `PATH`.
pub(crate) fn directory() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, path)| path);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    newest_first
        .chain(std::env::split_paths(&paths))
        .find(|directory| is_whole(directory))
}

fn is_whole(directory: &Path) -> bool {
    ["initdb", "postgres", "psql"]
        .iter()
        .all(|name| directory.join(name).is_file())
}
