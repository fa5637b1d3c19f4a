//! `docs/limits.md` names every limit with its default. `make limits-table` brings it up to date.

use std::path::{Path, PathBuf};

use wakustore::rates::{Rate, RateLimits, Service};

const BEGIN: &str = "<!-- limits: written by `make limits-table` -->\n";
const END: &str = "<!-- end of limits -->\n";

/// Limits that a flag of `wakustore run` sets.
const FLAGS: [(&str, &str); 5] = [
    ("AdmissionLimits::inbound", "--max-connections"),
    ("AdmissionLimits::inbound_per_ip", "--ip-colocation-limit"),
    ("LEAST_BANDWIDTH", "--sync-bandwidth"),
    ("PEER_SHARE", "--rate-limit"),
    ("LONGEST_PERIOD", "--rate-limit"),
];

/// A constant, or a field of a struct of limits.
struct Limit {
    name: String,
    default: String,
    words: String,
}

#[test]
fn the_table_of_limits_is_what_the_sources_say() {
    let path = root().join("docs/limits.md");
    let written = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = written.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let now = format!("{before}{BEGIN}\n{}{END}{after}", table());
    if std::env::var_os("ACCEPT_LIMITS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    assert_eq!(written, now, "limits have changed: run `make limits-table`");
}

#[test]
fn the_table_of_rates_is_what_holds_by_default() {
    let written = std::fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let limits = RateLimits::default();
    for service in Service::ALL {
        let rates = limits.of(service);
        let [all, each] = [rates.overall, rates.peer].map(|rates| {
            let bytes = |rate: Rate| format!("{} kB", rate.volume() / 1_000);
            [
                rates
                    .requests
                    .map_or("–".into(), |rate| rate.volume().to_string()),
                rates.bytes.map_or("–".into(), bytes),
            ]
        });
        let row = format!(
            "| `{service}` | {} | {} | {} | {} |",
            all[0], each[0], all[1], each[1]
        );
        assert!(written.contains(&row), "expected the row\n{row}");
    }
}

#[test]
fn flags_in_the_table_exist() {
    let names: Vec<String> = sources()
        .iter()
        .flat_map(|path| limits_in(path))
        .map(|l| l.name)
        .collect();
    for (limit, _) in FLAGS {
        assert!(names.iter().any(|name| name == limit), "{limit}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every `limits.rs` of the crates, and what lies in directories `limits`, in order.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let crates = ["node", "store-adapter", "sync-core", "sync-net"];
    let mut directories: Vec<PathBuf> = crates
        .iter()
        .map(|name| root().join(name).join("src"))
        .collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.ends_with("limits.rs") || path.parent().unwrap().ends_with("limits") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn table() -> String {
    let mut table = String::new();
    for path in sources() {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        table += &format!(
            "### `{shown}`\n\n| limit | default | flag | what it is |\n|---|---|---|---|\n"
        );
        for Limit {
            name,
            default,
            words,
        } in limits_in(&path)
        {
            let flag = FLAGS.iter().find(|(limit, _)| *limit == name);
            let flag = flag.map_or(String::new(), |(_, flag)| format!("`{flag}`"));
            table += &format!("| `{name}` | `{default}` | {flag} | {words} |\n");
        }
        table += "\n";
    }
    table
}

/// Reads sources as rustfmt writes them.
fn limits_in(path: &Path) -> Vec<Limit> {
    let source = std::fs::read_to_string(path).unwrap();
    let mut limits = Vec::new();
    let (mut words, mut of) = (Vec::new(), None);
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let bare = line
            .trim()
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ");
        let bare = bare.trim_start_matches("pub ");
        if let Some(word) = line.trim().strip_prefix("///") {
            words.push(word.trim().to_owned());
        } else if let Some(constant) = bare
            .strip_prefix("const ")
            .filter(|_| !line.starts_with(' '))
        {
            let mut whole = constant.to_owned();
            while !whole.ends_with(';') {
                whole = format!("{whole} {}", lines.next().unwrap().trim());
            }
            let (name, rest) = whole.split_once(": ").unwrap();
            let (_, default) = rest.split_once("= ").unwrap();
            limits.push(limit(name.into(), default.trim_end_matches(';'), &words));
        } else if let Some(name) = bare.strip_prefix("struct ") {
            of = Some(name.trim_end_matches(" {").to_owned());
        } else if let (Some(of), Some(field)) = (&of, line.strip_prefix("    pub ")) {
            let (field, _) = field.split_once(": ").unwrap();
            let default = default_of(&source, of, field);
            limits.push(limit(format!("{of}::{field}"), &default, &words));
        } else if line == "}" {
            of = None;
        }
        if !line.trim().starts_with("///") && !line.trim().starts_with("#[") {
            words.clear();
        }
    }
    limits
}

fn default_of(source: &str, of: &str, field: &str) -> String {
    let (_, defaults) = source
        .split_once(&format!("impl Default for {of} {{"))
        .unwrap();
    let (_, rest) = defaults
        .split_once(&format!("\n            {field}: "))
        .unwrap();
    let mut default = String::new();
    for line in rest.lines() {
        default += line.trim();
        let next_field =
            |line: &str| line.starts_with("            ") && !line.starts_with("             ");
        if line.ends_with(',') && (default.len() == line.trim().len() || next_field(line)) {
            break;
        }
    }
    default.trim_end_matches(',').to_owned()
}

fn limit(name: String, default: &str, words: &[String]) -> Limit {
    let words = words.join(" ").replace('|', "\\|");
    assert!(!words.is_empty(), "{name} isn't described");
    Limit {
        name,
        default: default.replace('|', "\\|"),
        words: without_links(&words),
    }
}

/// Links of the documentation lead nowhere in a table.
fn without_links(words: &str) -> String {
    let mut plain = String::new();
    let mut rest = words;
    while let Some((before, link)) = rest.split_once("[`") {
        let (name, after) = link.split_once("`]").unwrap();
        plain += &format!("{before}`{name}`");
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').unwrap().1,
            None => after,
        };
    }
    plain + rest
}
