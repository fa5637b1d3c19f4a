//! A server and its databases.

use std::fmt;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binaries;
use crate::guard::Guard;
use crate::user::User;

/// The name of the superuser of every server.
pub const USER: &str = "tester";

/// The password of [`USER`].
pub const PASSWORD: &str = "tell-nobody";

/// The port that a server's socket is named after, unless its settings name another.
const PORT: u16 = 5432;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Characters of a statement that failed that are shown.
const SHOWN: usize = 500;

/// How long to wait between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// A running server; it is stopped and its files removed when this is dropped, and when the
/// process ends.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    user: User,
    directory: PathBuf,
    port: u16,
    process: Mutex<Option<Child>>,
    databases: AtomicU32,
    /// Dropped last, since it removes the directory.
    _guard: Guard,
}

impl Server {
    /// Makes a server and starts it, with these settings over the defaults.
    ///
    /// # Errors
    /// When PostgreSQL isn't installed or doesn't start; the message says what to do.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self, ServerError> {
        Self::start_with(settings, &[])
    }

    /// As [`Server::start`], with files of these names and contents in [`Server::directory`], which only
    /// the server may read. Settings name them by `../NAME`.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(
        settings: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Result<Self, ServerError> {
        let port = settings.iter().find(|(name, _)| *name == "port");
        let port = port.map_or(Ok(PORT), |(_, port)| port.parse());
        let port = port.map_err(|error| ServerError(format!("no port: {error}")))?;
        let binaries = binaries::directory().ok_or_else(|| {
            ServerError(
                "PostgreSQL's server isn't installed: install the package `postgresql`, as \
                 `make setup` does"
                    .into(),
            )
        })?;
        let user = User::choose().ok_or_else(|| {
            ServerError("there is no user `postgres` or `nobody` to run PostgreSQL as".into())
        })?;
        let directory = tempfile::Builder::new().prefix("pg-").tempdir()?.keep();
        let server = Self {
            binaries,
            user,
            process: Mutex::default(),
            databases: AtomicU32::default(),
            _guard: Guard::over(&directory)?,
            directory,
            port,
        };
        server.user.give(&server.directory)?;
        for (name, content) in files {
            server.put(name, content)?;
        }
        server.make(settings)?;
        server.start_again()?;
        Ok(server)
    }

    /// A new, empty database; gives its URL.
    ///
    /// # Panics
    /// When it can't be made: without it no test goes on.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a missing database fails the test, and nothing else"
    )]
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        match self.sql("postgres", &format!("CREATE DATABASE {name}")) {
            Ok(_) => self.url(&name),
            Err(error) => panic!("{error}"),
        }
    }

    /// The URL of a database of this name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_with(PASSWORD, database)
    }

    /// The URL of a database of this name with another password.
    #[must_use]
    pub fn url_with(&self, password: &str, database: &str) -> String {
        let socket = self.directory.display().to_string().replace('/', "%2F");
        let port = match self.port {
            PORT => String::new(),
            port => format!(":{port}"),
        };
        format!("postgres://{USER}:{password}@{socket}{port}/{database}")
    }

    /// The name of the database in a URL that this server gave.
    #[must_use]
    pub fn name_in<'a>(&self, url: &'a str) -> &'a str {
        url.rsplit('/').next().unwrap_or_default()
    }

    /// The socket that it listens on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Runs SQL of any length, each statement in a transaction of its own up to the first that fails;
    /// gives the rows, columns parted by `|`.
    ///
    /// # Errors
    /// What the server says against it.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String, ServerError> {
        // A file and not a pipe, which would be full while nobody reads the rows yet. Not an argument:
        // the system bounds the length of one.
        let mut input = tempfile::tempfile()?;
        input.write_all(sql.as_bytes())?;
        input.rewind()?;
        let output = Command::new(self.binaries.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set=ON_ERROR_STOP=1", "--username", USER, "--host"])
            .arg(&self.directory)
            .args(["--port", &self.port.to_string()])
            .args(["--dbname", database])
            .env("PGPASSWORD", PASSWORD)
            .stdin(input)
            .output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            let errors = String::from_utf8_lossy(&output.stderr);
            let begin: String = sql.chars().take(SHOWN).collect();
            Err(ServerError(format!("{begin}: {errors}")))
        }
    }

    /// Ends the server at once as a power failure would, but that what was written stays in the
    /// system's cache.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Ends the server in order; connections are cut.
    pub fn stop(&self) {
        self.signal("INT");
    }

    /// From now on no process of the server makes a file longer than so many bytes, as on a disk that is
    /// full; `None` gives it all the room there is again. A file of the write-ahead log has 16 MiB.
    ///
    /// # Errors
    /// When the limit can't be set, which needs `prlimit` of util-linux.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<(), ServerError> {
        let first = self.process().as_ref().map(Child::id);
        let others = self.sql("postgres", "SELECT pid FROM pg_stat_activity")?;
        // The soft limit only: none but root may raise the hard one again.
        let limit = bytes.map_or("unlimited".into(), |bytes| bytes.to_string());
        let first = first.map(|process| process.to_string());
        for process in first.iter().map(String::as_str).chain(others.lines()) {
            let output = self
                .user
                .command(Path::new("prlimit"))
                .args(["--pid", process, &format!("--fsize={limit}:")])
                .output()?;
            let errors = String::from_utf8_lossy(&output.stderr);
            // Some have ended meanwhile.
            if !output.status.success() && !errors.contains("No such process") {
                return Err(ServerError(format!("no limit for {process}: {errors}")));
            }
        }
        Ok(())
    }

    /// Starts a server that was ended.
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn start_again(&self) -> Result<(), ServerError> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let child = self.spawn()?;
            *self.process() = Some(child);
            while Instant::now() < until && self.is_running()? {
                if self.sql("postgres", "SELECT 1").is_ok() {
                    return Ok(());
                }
                sleep(LOOK);
            }
            // Processes of one that was killed may take a moment to end.
            sleep(LOOK);
        }
        Err(ServerError(format!(
            "PostgreSQL doesn't start; its log ends with:\n{}",
            self.end_of_log()
        )))
    }

    fn make(&self, settings: &[(&str, &str)]) -> Result<(), ServerError> {
        let password = self.put("password", PASSWORD)?;
        let output = self
            .command("initdb")
            .args([
                "--username",
                USER,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ])
            .args(["--locale=C", "--no-sync", "--no-instructions", "--pwfile"])
            .arg(&password)
            .arg("--pgdata")
            .arg(self.data())
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(ServerError(format!("initdb failed: {errors}")));
        }
        let mut lines = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            self.directory.display()
        );
        for (name, value) in settings {
            lines.push_str(&format!("{name} = '{value}'\n"));
        }
        let file = self.data().join("postgresql.auto.conf");
        fs::write(&file, lines)?;
        self.user.give(&file)?;
        Ok(())
    }

    /// Makes a file that only the server may read.
    fn put(&self, name: &str, content: &str) -> Result<PathBuf, ServerError> {
        let path = self.directory.join(name);
        let mut file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(content.as_bytes())?;
        self.user.give(&path)?;
        Ok(path)
    }

    fn spawn(&self) -> Result<Child, ServerError> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(child)
    }

    fn is_running(&self) -> Result<bool, ServerError> {
        match &mut *self.process() {
            Some(child) => Ok(child.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    /// Signals the server's first process and waits for its end.
    fn signal(&self, name: &str) {
        let Some(mut child) = self.process().take() else {
            return;
        };
        let signalled = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(child.id().to_string())
            .status();
        if !signalled.is_ok_and(|status| status.success()) {
            // It has ended, or ends now.
            let _ = child.kill();
        }
        let _ = child.wait();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.user.command(&self.binaries.join(program));
        command.current_dir(&self.directory);
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn end_of_log(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The directory of its socket, data and log.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    // A child is replaced whole, so poison is no news.
    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("QUIT");
    }
}

/// Why there is no server, or what one said against a command.
#[derive(Debug)]
pub struct ServerError(String);

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServerError {}

impl From<std::io::Error> for ServerError {
    fn from(error: std::io::Error) -> Self {
        Self(format!("PostgreSQL can't be run: {error}"))
    }
}
