//! A process that cleans up behind a server whatever becomes of the tests.

use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for the end of its input, which comes with that of the process that holds the other end;
/// then stops the server of the directory and removes the directory.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -e "$1/data/postmaster.pid" ] || break
  sleep 0.2
done
rm -rf "$1"
"#;

/// The guard of a directory.
#[derive(Debug)]
pub(crate) struct Guard {
    process: Child,
    input: Option<ChildStdin>,
}

impl Guard {
    pub(crate) fn over(directory: &Path) -> std::io::Result<Self> {
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let input = process.stdin.take();
        Ok(Self { process, input })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.input = None;
        // Without it the zombie would stay until the tests end, and no longer.
        let _ = self.process.wait();
    }
}
