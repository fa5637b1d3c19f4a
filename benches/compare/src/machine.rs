//! The machine that figures are of.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What somebody needs to know who compares figures; `unknown` where it can't be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor, as it names itself.
    pub(crate) cpu: String,
    /// Instructions that the engine can make use of.
    pub(crate) instructions: String,
    /// Cores that this process may run on.
    pub(crate) cores: usize,
    /// Second- and third-level caches.
    pub(crate) caches: String,
    /// Main memory.
    pub(crate) memory: String,
    /// Kernel and its release.
    pub(crate) kernel: String,
    /// The compiler.
    pub(crate) rustc: String,
    /// The commit measured, with a `+` if files differ from it.
    pub(crate) commit: String,
}

impl Machine {
    /// This machine.
    pub(crate) fn read() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let flags = field("flags").unwrap_or_default();
        let flags: Vec<&str> = flags.split(' ').collect();
        let known = ["sha_ni", "avx2", "avx512f"];
        let known = known.into_iter().filter(|flag| flags.contains(flag));
        let family = [("family", "cpu family"), ("model", "model\t")]
            .map(|(name, key)| format!("{name} {}", field(key).unwrap_or_else(unknown)));
        Self {
            cpu: format!(
                "{} ({})",
                field("model name").unwrap_or_else(unknown),
                family.join(", ")
            ),
            instructions: known.collect::<Vec<_>>().join(", "),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            caches: format!("L2 {}, L3 {}", cache(2), cache(3)),
            memory: memory().unwrap_or_else(unknown),
            kernel: format!("Linux {}", line_of("/proc/sys/kernel/osrelease")),
            rustc: output_of("rustc", &["--version"]).unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn line_of(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn cache(level: usize) -> String {
    line_of(&format!(
        "/sys/devices/system/cpu/cpu0/cache/index{level}/size"
    ))
}

fn memory() -> Option<String> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: f64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .trim_end_matches("kB")
        .trim()
        .parse()
        .ok()?;
    Some(format!("{:.0} GiB", kib / f64::from(1 << 20)))
}

fn commit() -> Option<String> {
    let commit = output_of("git", &["rev-parse", "--short=10", "HEAD"])?;
    let changed = output_of("git", &["status", "--porcelain", "--untracked-files=no"])?;
    Some(commit + if changed.is_empty() { "" } else { "+" })
}

fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
