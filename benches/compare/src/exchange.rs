//! Two whole nodes that fill each other's gaps over loopback, as `wakustore demo` has them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// An hour at 15 messages a second.
const MESSAGES: usize = 54_000;

/// How many percent each node lacks.
const MISSING: usize = 10;

/// What an exchange took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    /// How the nodes reconciled.
    pub(crate) dialect: String,
    /// Messages of both together.
    pub(crate) messages: usize,
    /// Messages that each lacked and fetched.
    pub(crate) missing: usize,
    /// From the start of the reconciliation until both nodes were done; the median of `runs`.
    pub(crate) seconds: f64,
    /// How many runs the median is of.
    pub(crate) runs: usize,
    /// Frames of the reconciliation, in bytes.
    pub(crate) reconcile_bytes: u64,
    /// Messages and requests for them, in bytes.
    pub(crate) fetch_bytes: u64,
}

/// What `wakustore demo --json` says, as far as it matters here.
#[derive(Deserialize)]
struct Demo {
    equal: bool,
    seconds: f64,
    bytes: Bytes,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Bytes {
    reconcile_sent: u64,
    reconcile_received: u64,
    fetch_sent: u64,
    fetch_received: u64,
}

#[derive(Deserialize)]
struct Node {
    missing: usize,
    fetched: usize,
}

/// Exchanges by this project's own protocol and by Waku's, run by the `wakustore` at `program`.
pub(crate) fn measure(program: &Path, plan: &Plan) -> anyhow::Result<Vec<Exchange>> {
    let dialects = ["auto", "waku"];
    dialects
        .iter()
        .map(|dialect| exchange(program, dialect, plan))
        .collect()
}

fn exchange(program: &Path, dialect: &str, plan: &Plan) -> anyhow::Result<Exchange> {
    let messages = plan.items(MESSAGES);
    let missing = messages * MISSING / 100;
    let runs = (0..plan.exchanges).map(|_| demo(program, dialect, messages, missing));
    let mut runs = runs.collect::<anyhow::Result<Vec<Demo>>>()?;
    runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let Demo { seconds, bytes, .. } = &runs[runs.len() / 2];
    Ok(Exchange {
        dialect: dialect.replace("auto", "own protocol"),
        messages,
        missing,
        seconds: *seconds,
        runs: runs.len(),
        reconcile_bytes: bytes.reconcile_sent + bytes.reconcile_received,
        fetch_bytes: bytes.fetch_sent + bytes.fetch_received,
    })
}

/// One run, whose result counts only if both nodes got all that they lacked.
fn demo(program: &Path, dialect: &str, messages: usize, missing: usize) -> anyhow::Result<Demo> {
    let output = Command::new(program)
        .args(["demo", "--json", "--dialect", dialect])
        .args(["--messages", &messages.to_string()])
        .args(["--missing", &MISSING.to_string()])
        .output()
        .with_context(|| format!("{} doesn't start", program.display()))?;
    ensure!(
        output.status.success(),
        "{} demo failed: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let demo: Demo = serde_json::from_slice(&output.stdout)
        .context("`wakustore demo --json` should print one object")?;
    let whole = |node: &Node| node.missing == missing && node.fetched == missing;
    ensure!(
        demo.equal && demo.nodes.iter().all(whole),
        "the nodes should have fetched {missing} messages each, and hold the same then"
    );
    Ok(demo)
}

/// The `wakustore` that was built beside this program.
pub(crate) fn wakustore() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()
        .context("this program's own path can't be read")?
        .with_file_name("wakustore");
    ensure!(
        program.is_file(),
        "{} is missing: build it with `cargo build --package wakustore` in the same profile",
        program.display()
    );
    Ok(program)
}
