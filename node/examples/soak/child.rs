//! A node's process, as the trial sees it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::Args;
use crate::memory::resident_bytes;
use crate::node::State;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// As `wakustore run` sets glibc's allocator, so that nodes give memory back.
const ALLOCATOR: &str = "glibc.malloc.mmap_threshold=1048576:glibc.malloc.arena_max=2";

/// A node's process; killed when dropped.
pub(crate) struct Node {
    process: Child,
    id: u32,
    told: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    pub(crate) state: State,
    /// Memory when the traffic began, in bytes.
    pub(crate) before: u64,
    /// Most memory since then, in bytes.
    pub(crate) most: u64,
}

impl Node {
    /// Starts a node over an archive in `directory` that stays connected with `peers`.
    pub(crate) async fn start(
        args: &Args,
        seed: u64,
        directory: &Path,
        peers: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--node")
            .arg(directory)
            .args(["--seconds", &args.seconds.to_string()])
            .args(["--rate", &args.rate.to_string()])
            .args(["--loss", &args.loss.to_string()])
            .args(["--sync-interval", &args.sync_interval.to_string()])
            .args(["--sync-jitter", &args.sync_jitter.to_string()])
            .args(["--seed", &seed.to_string()])
            .args(peers.iter().flat_map(|peer| ["--peer", peer]))
            .env("GLIBC_TUNABLES", ALLOCATOR)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().context("a node can't be started")?;
        let id = process.id().context("the node has ended")?;
        let told = process.stdin.take().context("the node has no input")?;
        let answers = process.stdout.take().context("the node has no output")?;
        let mut answers = BufReader::new(answers).lines();
        let state = answer(&mut answers).await?;
        Ok(Self {
            process,
            id,
            told,
            answers,
            state,
            before: 0,
            most: 0,
        })
    }

    /// Tells the node something, and notes the state that it answers.
    pub(crate) async fn tell(&mut self, what: &str) -> anyhow::Result<&State> {
        self.told.write_all(format!("{what}\n").as_bytes()).await?;
        self.state = answer(&mut self.answers).await?;
        Ok(&self.state)
    }

    /// Notes the memory from which growth counts.
    pub(crate) fn start_measuring(&mut self) -> anyhow::Result<()> {
        self.before = resident_bytes(self.id)?;
        self.most = self.before;
        Ok(())
    }

    /// Notes its memory.
    pub(crate) fn measure(&mut self) -> anyhow::Result<()> {
        self.most = self.most.max(resident_bytes(self.id)?);
        Ok(())
    }

    /// By how many bytes its memory grew at most.
    pub(crate) fn growth(&self) -> u64 {
        self.most - self.before
    }

    /// Ends the node, which has to end well.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.told);
        let ended = timeout(PATIENCE, self.process.wait()).await;
        let status = ended.context("a node doesn't end")??;
        if !status.success() {
            bail!("a node ended with {status}");
        }
        Ok(())
    }
}

async fn answer(answers: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<State> {
    let line = timeout(PATIENCE, answers.next_line()).await;
    let line = line.context("a node doesn't answer")??;
    Ok(serde_json::from_str(
        &line.context("a node ended before it answered")?,
    )?)
}
