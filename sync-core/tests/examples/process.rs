//! The harness as a process.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::LazyLock;

use sync_core::Item;

use crate::built::example;
use crate::driver::Speaker;

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| example("harness"));

/// A harness that runs, and is ended when it is dropped.
pub(crate) struct Harness {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Harness {
    /// Starts one with this frame limit, and gives it the items.
    pub(crate) fn start(items: &[Item], frame_limit: usize) -> Self {
        let mut child = command(&frame_limit.to_string()).spawn().unwrap();
        let mut input = BufWriter::new(child.stdin.take().unwrap());
        let output = BufReader::new(child.stdout.take().unwrap());
        for item in items {
            writeln!(input, "item,{},{}", item.timestamp, item.id).unwrap();
        }
        writeln!(input, "seal").unwrap();
        Self {
            child,
            input,
            output,
        }
    }
}

impl Speaker for Harness {
    fn ask(&mut self, command: &str) -> Vec<String> {
        writeln!(self.input, "{command}").unwrap();
        self.input.flush().unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            let line = line.strip_suffix('\n').expect("the harness answers");
            lines.push(line.to_owned());
            if line == "done" || line.starts_with("msg,") {
                return lines;
            }
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs a harness on this input to its end.
pub(crate) fn run(input: &str, frame_limit: &str) -> Output {
    let mut child = command(frame_limit).spawn().unwrap();
    // It may have ended before it reads all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn command(frame_limit: &str) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command
        .env("FRAMESIZELIMIT", frame_limit)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
