//! A node's process, as the trial sees it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::Args;
use crate::memory::resident_bytes;
use crate::node::State;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// As `wakustore run` sets glibc's allocator, so that nodes give memory back.
const ALLOCATOR: &str = "glibc.malloc.mmap_threshold=1048576:glibc.malloc.arena_max=2";

/// How often it is looked whether a node has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A node's process; killed when dropped.
pub(crate) struct Node {
    process: Child,
    /// Until the node is to end.
    told: Option<ChildStdin>,
    answers: Receiver<String>,
    pub(crate) state: State,
    /// Memory when the traffic began, in bytes.
    pub(crate) before: u64,
    /// Most memory since then, in bytes.
    most: u64,
}

impl Node {
    /// Starts a node over an archive in `directory` that stays connected with `peers`.
    pub(crate) fn start(
        args: &Args,
        seed: u64,
        directory: &Path,
        peers: &[String],
    ) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
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
            .spawn()
            .context("a node can't be started")?;
        let told = process.stdin.take();
        let output = process.stdout.take().context("the node has no output")?;
        let (sender, answers) = sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let state = answer(&answers)?;
        Ok(Self {
            process,
            told,
            answers,
            state,
            before: 0,
            most: 0,
        })
    }

    /// Tells the node something, and notes the state that it answers.
    pub(crate) fn tell(&mut self, what: &str) -> anyhow::Result<&State> {
        let told = self.told.as_mut().context("the node is ending")?;
        writeln!(told, "{what}")?;
        self.state = answer(&self.answers)?;
        Ok(&self.state)
    }

    /// Notes the memory from which growth counts.
    pub(crate) fn start_measuring(&mut self) -> anyhow::Result<()> {
        self.before = resident_bytes(self.process.id())?;
        self.most = self.before;
        Ok(())
    }

    /// Notes its memory.
    pub(crate) fn measure(&mut self) -> anyhow::Result<()> {
        self.most = self.most.max(resident_bytes(self.process.id())?);
        Ok(())
    }

    /// By how many bytes its memory grew at most.
    pub(crate) fn growth(&self) -> u64 {
        self.most - self.before
    }

    /// Ends the node, which has to end well.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        drop(self.told.take());
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait()? {
                break status;
            }
            ensure!(start.elapsed() < PATIENCE, "a node doesn't end");
            std::thread::sleep(LOOK);
        };
        ensure!(status.success(), "a node ended with {status}");
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Ended already, or it ends now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(answers: &Receiver<String>) -> anyhow::Result<State> {
    let line = answers.recv_timeout(PATIENCE);
    Ok(serde_json::from_str(
        &line.context("a node doesn't answer")?,
    )?)
}
