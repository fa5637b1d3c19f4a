//! How values from several places come together.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use clap::{Arg, Command};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cli::RunArgs;

fn args(line: &[&str]) -> Vec<OsString> {
    let program = ["wakustore", "run"].into_iter();
    program
        .chain(line.iter().copied())
        .map(OsString::from)
        .collect()
}

fn vars(environment: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    let vars = environment.iter();
    vars.map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn run(loaded: &Loaded) -> &RunArgs {
    match &loaded.cli.command {
        cli::Command::Run(args) => args,
        other => panic!("{other:?}"),
    }
}

/// A file of these lines; gone when dropped.
fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn load_with(
    line: &[&str],
    environment: &[(&str, &str)],
    toml: Option<&str>,
) -> Result<Loaded, String> {
    let file = toml.map(file);
    let mut line = args(line);
    if let Some(file) = &file {
        line.push("--config-file".into());
        line.push(file.path().into());
    }
    load(line, vars(environment)).map_err(|error| error.to_string())
}

fn unsupported(loaded: &Loaded) -> Vec<&str> {
    let notices = loaded.notices.iter();
    notices
        .filter_map(|notice| match notice {
            Notice::Unsupported { flag, .. } => Some(*flag),
            Notice::UnknownVariable { .. } => None,
        })
        .collect()
}

/// Two different values for a flag, if it is known what it takes.
fn samples(arg: &Arg) -> Option<[&'static str; 2]> {
    let name = arg.get_value_names()?.first()?.as_str();
    Some(match name {
        "BOOL" => ["true", "false"],
        "IP" => ["127.0.0.1", "::1"],
        "PORT" | "INDEX" | "ID" | "COUNT" => ["7", "23"],
        "DURATION" => ["30s", "7m"],
        "SIZE" => ["20MB", "1GB"],
        "POLICY" => ["time:60", "capacity:9;size:2GB"],
        "URL" => ["memory:", "redb:///a b\"c#.redb"],
        "DIR" | "FILE" | "HEX" => ["a = b", "/c\\d"],
        "MULTIADDR" => ["/ip4/1.2.3.4/tcp/5", "/dns4/a.b/tcp/6"],
        "LEVEL" => ["DEBUG", "FATAL"],
        "FORMAT" => ["TEXT", "JSON"],
        "FORM" => ["topics", "cluster"],
        _ => return None,
    })
}

/// The flags that there are samples for.
fn sampled() -> &'static [(flags::Flag, [&'static str; 2])] {
    static SAMPLED: LazyLock<Vec<(flags::Flag, [&'static str; 2])>> = LazyLock::new(|| {
        let command = command();
        let flags = Flags::of(&command);
        let run = command.find_subcommand(RUN).map(Command::get_arguments);
        run.unwrap()
            .filter_map(|arg| {
                let flag = flags.get(arg.get_long()?)?;
                let usable = flag.supported && flag.name != CONFIG_FILE;
                let samples = samples(arg).filter(|_| usable)?;
                // A flag may have bounds of its own.
                let taken = |sample| load_with(&[&format!("--{}={sample}", flag.name)], &[], None);
                let all_taken = samples.iter().all(|sample| taken(sample).is_ok());
                all_taken.then(|| (flag.clone(), samples))
            })
            .collect()
    });
    assert!(SAMPLED.len() >= 22, "{:?}", *SAMPLED);
    &SAMPLED
}

/// Where a flag is given in a case: command line, environment, file; and which sample in each.
type Given = [Option<usize>; 3];

fn toml_value(flag: &flags::Flag, text: &str) -> String {
    match flag.kind {
        flags::Kind::Text => toml::Value::String(text.into()).to_string(),
        _ => text.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The naive twin is the array: the first place that gives the flag decides.
    #[test]
    fn the_first_source_that_gives_a_flag_decides(
        cases in vec(proptest::array::uniform3(proptest::option::of(0_usize..2)), 64),
    ) {
        let flags = sampled();
        let given: Vec<(&(flags::Flag, [&str; 2]), Given)> =
            flags.iter().zip(cases.iter().copied()).collect();
        let (mut line, mut environment, mut text) = (Vec::new(), Vec::new(), String::new());
        for ((flag, samples), [on_line, in_environment, in_file]) in &given {
            let name = &flag.name;
            if let Some(which) = on_line {
                line.push(format!("--{name}={}", samples[*which]));
            }
            if let Some(which) = in_environment {
                environment.push((environment::variable(name), samples[*which]));
            }
            if let Some(which) = in_file {
                let value = toml_value(flag, samples[*which]);
                let value = if flag.repeatable { format!("[{value}]") } else { value };
                text.push_str(&format!("{name} = {value}\n"));
            }
        }
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let loaded = load_with(&line, &environment, Some(&text)).unwrap();
        let effective = loaded.effective.unwrap();
        for ((flag, samples), given) in given {
            let first = given.iter().position(Option::is_some);
            let origin = effective.origin(&flag.name).unwrap();
            let place = match origin {
                Origin::Line => Some(0),
                Origin::Environment(variable) => {
                    prop_assert_eq!(variable, &environment::variable(&flag.name));
                    Some(1)
                }
                Origin::File(_) => Some(2),
                Origin::Default => None,
            };
            prop_assert_eq!(place, first, "{}", &flag.name);
            if let Some(which) = first.and_then(|first| given[first]) {
                let values = effective.values(&flag.name).unwrap();
                prop_assert_eq!(values, [samples[which].to_owned()], "{}", &flag.name);
            }
        }
    }

    #[test]
    fn what_is_printed_loads_again_and_is_the_same(
        which in vec(proptest::option::of(0_usize..2), 64),
    ) {
        let flags = sampled();
        // A key isn't printed.
        let line: Vec<String> = flags
            .iter()
            .zip(which)
            .filter(|((flag, _), _)| flag.name != "nodekey")
            .filter_map(|((flag, samples), which)| Some(format!("--{}={}", flag.name, samples[which?])))
            .collect();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let first = load_with(&line, &[], None).unwrap().effective.unwrap();
        let printed = first.to_string();
        let again = load_with(&[], &[], Some(&printed)).unwrap().effective.unwrap();
        for (flag, _) in flags {
            prop_assert_eq!(first.values(&flag.name), again.values(&flag.name), "{}", printed);
        }
    }

    #[test]
    fn no_file_and_no_variable_makes_it_panic(text in "\\PC{0,40}", key in "[a-zA-Z_-]{0,20}") {
        let line = format!("{key} = {text}");
        let _ = load_with(&[], &[], Some(&line));
        let _ = load_with(&[], &[], Some(&text));
        let _ = load_with(&[&format!("--{key}:{text}"), &text], &[], None);
        let variable = format!("WAKUSTORE_{key}");
        let _ = load_with(&[], &[("WAKUSTORE_SHARD", &text), (&variable, &text)], None);
    }
}

/// The names of nwaku's flags that this node has no part for.
fn without_part() -> Vec<&'static str> {
    let flags = Flags::of(&command());
    let names = nwaku::FLAGS.iter().map(|flag| flag.name);
    let names: Vec<_> = names
        .filter(|name| {
            !flags
                .get(name)
                .unwrap_or_else(|| panic!("{name}"))
                .supported
        })
        .collect();
    assert!(names.len() > 60, "{names:?}");
    names
}

#[test]
fn every_flag_of_nwaku_without_part_is_taken_in_every_form_and_told_once() {
    let names = without_part();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let forms: [fn(&str, &str) -> Vec<String>; 8] = [
        |name, _| vec![format!("--{name}")],
        |name, value| vec![format!("--{name}"), value.into()],
        |name, value| vec![format!("--{name}={value}")],
        |name, value| vec![format!("--{name}:{value}")],
        |name, value| vec![format!("--{name}="), value.into()],
        |name, _| vec![format!("--{}", name.to_uppercase())],
        |name, value| vec![format!("--_{name}_={value}")],
        |name, value| vec![format!("--{name}"), format!("--{name}={value}")],
    ];
    for form in forms {
        for value in [
            "true",
            "7",
            "/ip4/1.2.3.4/tcp/5",
            "enrtree://KEY@host",
            "60:40",
        ] {
            let line: Vec<String> = names.iter().flat_map(|name| form(name, value)).collect();
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let loaded = load_with(&line, &[], None).unwrap_or_else(|e| panic!("{line:?}: {e}"));
            let mut told = unsupported(&loaded);
            told.sort_unstable();
            assert_eq!(told, sorted, "{line:?}");
        }
    }
}

#[test]
fn every_flag_of_nwaku_without_part_is_taken_from_variables_and_files_and_told_once() {
    let names = without_part();
    let variables: Vec<String> = names
        .iter()
        .map(|name| environment::variable(name))
        .collect();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|variable| (variable.as_str(), "x"))
        .collect();
    for value in ["true", "7", "\"text\"", "[1, 2]", "[\"a\", \"b\"]", "1.5"] {
        let toml: String = names
            .iter()
            .map(|name| format!("{name} = {value}\n"))
            .collect();
        for environment in [&[][..], &variables] {
            let loaded = load_with(&[], environment, Some(&toml)).unwrap();
            let mut told = unsupported(&loaded);
            told.sort_unstable();
            told.dedup();
            assert_eq!(
                (told.len(), loaded.notices.len()),
                (names.len(), names.len())
            );
        }
    }
}

#[test]
fn flags_of_this_node_are_taken_in_the_forms_of_nwaku() {
    let shift: [&[&str]; 6] = [
        &["--tcp-port:5", "--store:false"],
        &["--TCP-Port=5", "--store=NO"],
        &["--tcp-port", "5", "--store", "false"],
        &["--tcp-port=", "5", "--store:", "off"],
        &["--tcp-port=4", "--tcp-port=5", "--store", "--store=false"],
        &["--tcp_-port:5", "--Store=0"],
    ];
    for line in shift {
        let loaded = load_with(line, &[], None).unwrap();
        let args = run(&loaded);
        assert_eq!((args.tcp_port, args.store), (5, false), "{line:?}");
    }
    let loaded = load_with(
        &["--store", "--shard=1", "--shard:2", "--log-level:debug"],
        &[],
        None,
    );
    let loaded = loaded.unwrap();
    assert!(run(&loaded).store);
    assert_eq!(run(&loaded).shard, [1, 2]);
    assert_eq!(run(&loaded).log.log_level, crate::logging::Level::Debug);
}

#[test]
fn an_empty_value_on_the_command_line_is_the_default() {
    let environment = [("WAKUSTORE_TCP_PORT", "5"), ("WAKUSTORE_STORENODE", "")];
    let toml = Some("tcp-port = 6\nstorenode = \"\"\nshard = []\nnodekey = \"\"");
    let loaded = load_with(&["--tcp-port=", "--store"], &environment, toml).unwrap();
    assert_eq!(run(&loaded).tcp_port, 60_000);
    assert!(run(&loaded).net.storenode.is_empty());
    assert_eq!(run(&loaded).nodekey, None);
    let loaded = load_with(&["--store"], &environment, toml).unwrap();
    assert_eq!(run(&loaded).tcp_port, 5);
}

#[test]
fn variables_of_flags_that_repeat_hold_several_values() {
    for text in ["1,2", "1, 2,", "[1,2]", "[\"1\", 2]"] {
        let loaded = load_with(&[], &[("WAKUSTORE_SHARD", text)], None).unwrap();
        assert_eq!(run(&loaded).shard, [1, 2], "{text}");
    }
    let error = load_with(&[], &[("WAKUSTORE_SHARD", "[1,")], None).unwrap_err();
    assert!(
        error.contains("WAKUSTORE_SHARD") && error.contains("commas"),
        "{error}"
    );
}

#[test]
fn a_variable_that_is_no_flag_is_told_with_the_nearest_one() {
    let environment = [
        ("WAKUSTORE_TCP_PROT", "5"),
        ("WAKUSTOREX", "1"),
        ("PATH", "/"),
    ];
    let loaded = load_with(&[], &environment, None).unwrap();
    let expected = Notice::UnknownVariable {
        name: "WAKUSTORE_TCP_PROT".into(),
        nearest: Some("WAKUSTORE_TCP_PORT".into()),
    };
    assert_eq!(loaded.notices, [expected]);
}

#[test]
fn an_unknown_flag_is_told_with_the_nearest_one() {
    for (wrong, right) in [
        ("--tcp-prot=5", "--tcp-port"),
        ("--tcp_port=5", "--tcp-port"),
        ("--tcpPort:5", "--tcp-port"),
        (
            "--storeMessageRetentionPolicy=none",
            "--store-message-retention-policy",
        ),
        ("--store_message_db_url=memory:", "--store-message-db-url"),
        ("--static-node=x", "--staticnode"),
        ("--lightpushh", "--lightpush"),
    ] {
        let error = load_with(&[wrong], &[], None).unwrap_err();
        let tip = format!("'{right}'");
        assert!(
            error.contains("unexpected") && error.contains(&tip),
            "{error}"
        );
    }
}

#[test]
fn a_wrong_file_is_told_with_what_is_wrong_and_no_secret() {
    for (toml, words) in [
        ("tcp-prot = 5", &["tcp-prot", "`tcp-port`"][..]),
        ("tcp_port = 5", &["tcp_port", "`tcp-port`"]),
        ("tcpPort = 5", &["tcpPort", "`tcp-port`"]),
        ("frobnicate = 5", &["frobnicate", "--help"]),
        ("[store]\nenabled = true", &["[store]", "no section"]),
        ("[network]\nport = 1", &["[network]", "no section"]),
        ("tcp-port = [5]", &["tcp-port", "array"]),
        ("tcp-port = \"five\"", &["five", "--tcp-port", "file"]),
        ("shard = [[1]]", &["shard", "array"]),
        ("shard = [1, 2000]", &["2000", "0..1024", "file"]),
        ("store = \"maybe\"", &["maybe", "true or false", "file"]),
        ("config-file = \"x\"", &["config-file", "itself"]),
        ("print-config = true", &["print-config"]),
        ("tcp-port = 5\nTCP-Port = 6", &["twice"]),
        ("tcp-port = 5\ntcp-port = 6", &["line 2"]),
        ("store = true\nnodekey = abcsecret", &["line 2"]),
    ] {
        let error = load_with(&[], &[], Some(toml)).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{toml}: no {word} in {error}");
        }
        assert!(!error.contains("secret"), "{error}");
    }
    let line = args(&["--config-file=/nowhere/at.all"]);
    let error = load(line, []).unwrap_err().to_string();
    assert!(error.contains("/nowhere/at.all"), "{error}");
    let long = "#".repeat(limits::CONFIG_FILE_BYTES as usize);
    assert!(load_with(&[], &[], Some(&long)).is_ok());
    let error = load_with(&[], &[], Some(&format!("{long}#"))).unwrap_err();
    assert!(error.contains("1048576"), "{error}");
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    let error = load_with(&[], &[("WAKUSTORE_TCP_PORT", "70000")], None).unwrap_err();
    for word in ["70000", "--tcp-port", "WAKUSTORE_TCP_PORT"] {
        assert!(error.contains(word), "{error}");
    }
    // What goes before it is what counts.
    load_with(&["--tcp-port=7"], &[("WAKUSTORE_TCP_PORT", "70000")], None).unwrap();
    let bytes = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    let error = load(args(&[]), [("WAKUSTORE_TCP_PORT".into(), bytes)]).unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn the_file_can_be_named_in_the_environment() {
    let file = file("tcp-port = 5");
    let path = file.path().to_str().unwrap();
    let environment = [("WAKUSTORE_CONFIG_FILE", path)];
    let loaded = load_with(&[], &environment, None).unwrap();
    assert_eq!(run(&loaded).tcp_port, 5);
    let origin = loaded.effective.as_ref().unwrap().origin("tcp-port");
    assert_eq!(origin, Some(&Origin::File(Path::new(path).into())));
}

#[test]
fn the_printed_configuration_tells_origins_and_no_secrets() {
    let key = "1".repeat(64);
    let line = [
        "--store-message-db-url=postgres://me:hushhush@host/db",
        "--lightpush",
        "--shard=3",
        "--print-config",
    ];
    let environment = [
        ("WAKUSTORE_NODEKEY", key.as_str()),
        ("WAKUSTORE_TCP_PORT", "5"),
    ];
    let loaded = load_with(&line, &environment, Some("rest-private = true")).unwrap();
    let printed = loaded.printed().unwrap().to_string();
    for text in [
        "\ntcp-port = 5 # environment, WAKUSTORE_TCP_PORT\n",
        "\nshard = [3] # command line\n",
        "\nwebsocket-port = 8000 # default\n",
        "\nstore = true # default\n",
        "\n# dns4-domain-name is not set\n",
        "postgres://me:***@host/db",
        "# nodekey is set and not shown # environment, WAKUSTORE_NODEKEY",
        "# lightpush is ignored",
        "# rest-private is ignored",
    ] {
        assert!(printed.contains(text), "no {text} in {printed}");
    }
    assert!(!printed.contains("hushhush") && !printed.contains(&key));
    load_with(&[], &[], Some(&printed)).unwrap();
}

#[test]
fn files_of_nwaku_load() {
    // The examples of its repository, whose other values these are.
    let example = "relay=true\nstore=true\nfilter=true\ndb-path=\"./dbs/db1\"\nrpc-admin=true\n\
        persist-peers=true\nkeep-alive=true\npersist-messages=true\nlightpush=true\n\
        nodekey=\"f157b19b13e9ee818acfc9d3d7eec6b81f70c0a978dec19def261172acbe26e6\"\nports-shift=1\n";
    let mix = "log-level = \"INFO\"\nrelay = true\nmix = true\nfilter = true\nstore = false\n\
        lightpush = true\nmax-connections = 150\npeer-exchange = true\nmetrics-logging = false\n\
        cluster-id = 2\ndiscv5-discovery = true\ndiscv5-udp-port = 9001\n\
        discv5-enr-auto-update = true\ndiscv5-bootstrap-node = [\"enr:-LG4\"]\nrest = true\n\
        rest-admin = true\nports-shift = 2\nnum-shards-in-network = 1\nshard = [0]\n\
        agent-string = \"nwaku-mix\"\n\
        nodekey = \"09e9d134331953357bd38bbfce8edb377f4b6308b4f3bfbe85c610497053d684\"\n\
        mixkey = \"c860\"\nrendezvous = true\nlisten-address = \"127.0.0.1\"\n\
        nat = \"extip:127.0.0.1\"\nip-colocation-limit=0\n";
    let loaded = load_with(&[], &[], Some(example)).unwrap();
    assert!(unsupported(&loaded).contains(&"ports-shift"));
    let loaded = load_with(&[], &[], Some(mix)).unwrap();
    let args = run(&loaded);
    assert_eq!((args.cluster_id, args.max_connections), (2, 150));
    assert_eq!((args.store, args.ip_colocation_limit), (false, 0));
    assert!(unsupported(&loaded).contains(&"discv5-bootstrap-node"));
}

#[test]
fn other_commands_are_read_as_they_are() {
    let line = ["wakustore", "check", "--data-dir=x"].map(OsString::from);
    let loaded = load(line, vars(&[("WAKUSTORE_DATA_DIR", "y")])).unwrap();
    assert!(loaded.effective.is_none() && loaded.notices.is_empty());
    assert!(load(["wakustore"].map(OsString::from), []).is_err());
}

#[test]
fn the_documentation_has_every_flag_as_it_is() {
    let text = include_str!("../../../docs/configuration.md");
    assert!(
        text.contains(&reference::markdown()),
        "docs/configuration.md isn't what the flags are: run `make configuration`"
    );
}
