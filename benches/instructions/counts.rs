//! Counts of instructions, and what they were made with.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// What counts depend on, besides the code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Tools {
    /// Release of the compiler.
    pub(crate) rustc: String,
    /// What it compiles for.
    pub(crate) host: String,
    /// Version of valgrind.
    pub(crate) valgrind: String,
}

impl Tools {
    /// The tools of this machine.
    pub(crate) fn in_use() -> Result<Self> {
        let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let told = output(Command::new(rustc).arg("-vV"))?;
        let field = |name| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::to_owned)
                .with_context(|| format!("expected a line `{name}...` from rustc -vV, got {told}"))
        };
        let valgrind = output(Command::new("valgrind").arg("--version"))?;
        Ok(Self {
            rustc: field("release: ")?,
            host: field("host: ")?,
            valgrind: valgrind.trim().trim_start_matches("valgrind-").to_owned(),
        })
    }
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// How many instructions each bench took.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) tools: Tools,
    /// By the name of the bench.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Counts {
    /// Reads what the bench printed, an object a line.
    pub(crate) fn from_bench(lines: impl BufRead, tools: Tools) -> Result<Self> {
        let mut counts = BTreeMap::new();
        for line in lines.lines() {
            let line = line?;
            let summary: Summary = serde_json::from_str(&line)
                .with_context(|| format!("expected a summary by gungraun, got {line}"))?;
            let count = summary.instructions();
            let name = summary.name();
            let count = count.with_context(|| format!("no count of instructions for {name}"))?;
            counts.insert(name, count);
        }
        Ok(Self { tools, counts })
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())
    }
}

/// Of a bench's summary what is wanted here.
#[derive(Deserialize)]
struct Summary {
    function_name: String,
    id: Option<String>,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    new: serde_json::Number,
}

impl Summary {
    fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/{id}", self.function_name),
            None => self.function_name.clone(),
        }
    }

    /// Callgrind's event `Ir`, instructions read.
    fn instructions(&self) -> Option<u64> {
        let mut profiles = self.profiles.iter();
        let metric = profiles.find_map(|profile| profile.data.total.metrics.get("Ir"))?;
        metric.values.new.as_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Tools {
        Tools {
            rustc: "1.95.0".into(),
            host: "x86_64-unknown-linux-gnu".into(),
            valgrind: "3.19.0".into(),
        }
    }

    fn summary(metric: &str) -> String {
        format!(
            r#"{{"function_name":"rank","id":"by_key","kind":"LibraryBenchmark","profiles":[{{
            "data":{{"parts":[],"total":{{"metrics":{{"I1MissRate":{{"values":{{"new":0.5}}}},
            {metric}}},"regressions":[]}}}},"tool":"Callgrind"}}]}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn of_a_count_and_the_one_before_it_the_new_one_is_taken() {
        let line = summary(r#""Ir":{"values":{"new":12,"old":34}}"#);
        let counts = Counts::from_bench(line.as_bytes(), tools()).unwrap();
        assert_eq!(counts.counts, [("rank/by_key".into(), 12)].into());
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for line in [
            summary(r#""Dr":{"values":{"new":12}}"#),
            summary(r#""Ir":{"values":{"old":12}}"#),
            "Benchmark took 3 s".into(),
        ] {
            assert!(
                Counts::from_bench(line.as_bytes(), tools()).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let counts = Counts {
            tools: tools(),
            counts: [("a/b".into(), u64::MAX), ("c".into(), 0)].into(),
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("counts.json");
        counts.write(&path).unwrap();
        assert_eq!(Counts::read(&path).unwrap(), counts);
    }
}
