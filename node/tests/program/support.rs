//! Runs the program, and makes messages for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use store_adapter::Record;
use store_adapter::line::export_line;
use wakustore::traffic::Traffic;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How many lines of output wait to be read.
const LINES: usize = 100_000;

/// A directory of a test's own with archives in it.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The arguments that name the archive `name`.
    pub(crate) fn archive(&self, name: &str) -> Vec<String> {
        let url = format!("redb://{}", self.path(name).display());
        vec!["--store-message-db-url".into(), url]
    }

    /// Runs a command to its end on the archive `name`.
    pub(crate) fn run(&self, archive: &str, arguments: &[&str]) -> Output {
        let mut line: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        line.extend(self.archive(archive));
        run(&line)
    }

    /// As `run`, and the command has to succeed; gives its standard output.
    pub(crate) fn succeed(&self, archive: &str, arguments: &[&str]) -> String {
        let output = self.run(archive, arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Copies an archive with all its files.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        std::fs::create_dir(self.path(to)).unwrap();
        for entry in std::fs::read_dir(self.path(from)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), self.path(to).join(entry.file_name())).unwrap();
        }
    }

    /// Writes lines to a file, and gives its path.
    pub(crate) fn write(&self, name: &str, lines: &[String]) -> String {
        let path = self.path(name);
        let mut file = std::fs::File::create(&path).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        path.to_str().unwrap().to_owned()
    }

    /// Starts a node on the archive `name`, with a key of its own.
    pub(crate) fn node(&self, name: &str, arguments: &[&str]) -> Node {
        self.node_on(&self.archive(name)[1], name, arguments)
    }

    /// Starts a node on the archive at `url`, with a key of its own.
    pub(crate) fn node_on(&self, url: &str, name: &str, arguments: &[&str]) -> Node {
        Node::start(program(), &self.arguments_on(url, name, arguments))
    }

    /// The command line of a node on the archive `name`.
    pub(crate) fn node_arguments(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        self.arguments_on(&self.archive(name)[1], name, arguments)
    }

    fn arguments_on(&self, url: &str, name: &str, arguments: &[&str]) -> Vec<String> {
        let data = self.path(&format!("{name}-data"));
        let mut line: Vec<String> = ["run", "--listen-address=127.0.0.1", "--tcp-port=0"]
            .map(String::from)
            .to_vec();
        line.extend(["--data-dir".into(), data.to_str().unwrap().to_owned()]);
        line.extend(["--store-message-db-url".into(), url.to_owned()]);
        line.extend(arguments.iter().map(ToString::to_string));
        line
    }
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    program()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// How a run ended, and what it wrote to standard error.
pub(crate) fn code_and_errors(output: &Output) -> (Option<i32>, String) {
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// That a run failed with this code, and a message with these words.
pub(crate) fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let (actual, errors) = code_and_errors(output);
    assert_eq!(actual, Some(code), "{errors}");
    for word in words {
        assert!(errors.contains(word), "no `{word}` in: {errors}");
    }
    assert!(!errors.contains("panicked"), "{errors}");
}

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wakustore"))
}

/// So many messages of the last hour as lines of an export, in order.
pub(crate) fn messages(count: usize, seed: u64) -> Vec<String> {
    // The newest minute is left to the relay.
    messages_until(60, 3_600, count, seed)
}

/// So many messages of the last 20 seconds as lines of an export, in order.
pub(crate) fn recent_messages(count: usize, seed: u64) -> Vec<String> {
    messages_until(0, 20, count, seed)
}

/// So many messages that are between `least` and `most` seconds old.
fn messages_until(least: u64, most: u64, count: usize, seed: u64) -> Vec<String> {
    let mut traffic = Traffic::new(99, seed);
    let now = wakustore::cli::time::now();
    let ago = |seconds: u64| now - seconds * 1_000_000_000;
    let mut records: Vec<Record> = (0..count)
        .map(|_| {
            let (topic, message) = traffic.message(ago(most), ago(least));
            Record::new(topic, message).unwrap()
        })
        .collect();
    records.sort_by_key(Record::item);
    records.iter().map(export_line).collect()
}

/// So many messages of one nanosecond within the last hour, as lines of an export, in order.
pub(crate) fn messages_of_one_nanosecond(count: usize, seed: u64) -> Vec<String> {
    let mut traffic = Traffic::new(99, seed);
    let then = wakustore::cli::time::now() - 1_000_000_000_000;
    let mut records: Vec<Record> = (0..count)
        .map(|number| {
            let (topic, mut message) = traffic.message(then, then + 1);
            message.payload = number.to_be_bytes().to_vec();
            Record::new(topic, message).unwrap()
        })
        .collect();
    records.sort_by_key(Record::item);
    records.iter().map(export_line).collect()
}

/// So many messages, older than a minute, of the last hour with payloads of 100 KB, as lines of an export, in order.
pub(crate) fn large_messages(count: usize, seed: u64) -> Vec<String> {
    let mut traffic = Traffic::new(99, seed);
    let now = wakustore::cli::time::now();
    let mut records: Vec<Record> = (0..count)
        .map(|number| {
            let (topic, mut message) =
                traffic.message(now - 3_600_000_000_000, now - 60_000_000_000);
            message.payload = number.to_be_bytes().repeat(12_500);
            Record::new(topic, message).unwrap()
        })
        .collect();
    records.sort_by_key(Record::item);
    records.iter().map(export_line).collect()
}

/// Those lines whose number isn't `rest` modulo 3.
pub(crate) fn two_thirds(lines: &[String], rest: usize) -> Vec<String> {
    let numbered = lines.iter().enumerate();
    numbered
        .filter(|(number, _)| number % 3 != rest)
        .map(|(_, line)| line.clone())
        .collect()
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.unwrap().parse::<u64>().unwrap() << 10
}

/// Two archives with different two thirds of the messages.
pub(crate) fn two_archives(place: &Place, all: &[String]) {
    for (archive, rest) in [("a", 0), ("b", 1)] {
        let file = place.write(&format!("{archive}.json"), &two_thirds(all, rest));
        place.succeed(archive, &["import", &file]);
    }
}

pub(crate) fn assert_both_export(place: &Place, all: &[String]) {
    let mut expected = all.join("\n");
    expected.push('\n');
    for archive in ["a", "b"] {
        let exported = place.succeed(archive, &["export"]);
        assert!(
            exported == expected,
            "the export of {archive} isn't what was imported in all"
        );
        place.succeed(archive, &["check"]);
    }
}

/// A running `wakustore run`; killed when dropped.
pub(crate) struct Node {
    child: Child,
    output: Receiver<String>,
    log: Receiver<String>,
    seen: Vec<String>,
    pub(crate) address: String,
}

impl Node {
    /// Starts the program as `command` does.
    pub(crate) fn start(mut command: Command, arguments: &[String]) -> Self {
        let mut child = command
            .args(arguments)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = lines(child.stderr.take().unwrap());
        let output = lines(child.stdout.take().unwrap());
        let mut node = Self {
            child,
            output,
            log,
            seen: Vec::new(),
            address: String::new(),
        };
        match node.output.recv_timeout(PATIENCE) {
            Ok(address) => node.address = address,
            Err(_) => panic!("no address: {:?}", node.log.try_iter().collect::<Vec<_>>()),
        }
        node
    }

    /// The next address that it prints.
    pub(crate) fn next_address(&self) -> String {
        self.output.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits until a line of the log contains all of `words`.
    pub(crate) fn wait_for(&mut self, words: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self
            .log
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.seen.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
        let last = self
            .seen
            .iter()
            .rev()
            .take(30)
            .rev()
            .cloned()
            .collect::<Vec<_>>();
        panic!(
            "no line with {words:?} in the log, which ends with:\n{}",
            last.join("\n")
        );
    }

    /// The lines of the log that were looked at so far.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP: its connections stay, and nothing is answered.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// SIGTERM, waits for the end, and gives the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id();
        let signalled = Command::new("sh")
            .args(["-c", &format!("kill -{name} {id}")])
            .status()
            .unwrap();
        assert!(signalled.success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Ended already, or it ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // A log that nobody reads any more is read to its end all the same.
            let _ = sender.try_send(line);
        }
    });
    receiver
}

/// Head and body of what a server answers to a GET, which has to be a success.
pub(crate) fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    (head.to_owned(), body.to_owned())
}

/// The last line of a text as JSON.
pub(crate) fn json(text: &str) -> serde_json::Value {
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1, "one object and nothing else: {text}");
    serde_json::from_str(lines[0]).unwrap()
}

pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
