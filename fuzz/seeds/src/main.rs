//! Writes the recorded and generated vectors as seeds of the fuzz targets: `seeds VECTORS CORPUS`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

/// The target that reads frames of a protocol, as files of generated vectors name it.
fn target_of(protocol: &str) -> Option<&'static str> {
    Some(match protocol {
        "negentropy" => "negentropy_frames",
        "own" => "own_frames",
        "reconciliation" => "reconciliation_frames",
        "transfer" | "message" | "metadata" => "message_frames",
        "store-request" | "store-response" => "store_frames",
        _ => return None,
    })
}

/// The target that reads the frames of a recorded file, or of one of its lists.
fn target_of_recorded(file: &str, list: &str) -> Option<&'static str> {
    Some(match (file, list) {
        ("reconciliation" | "session", _) => "reconciliation_frames",
        ("store_query", "metadata" | "metadataDecode") | ("transfer", _) => "message_frames",
        ("store_query", _) => "store_frames",
        _ => return None,
    })
}

/// Seeds by target.
type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// Every frame in `value`, however deep: what stands in hex under a key that ends with `wire`.
fn frames(value: &Value, found: &mut Vec<Vec<u8>>) -> Result<(), hex::FromHexError> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| frames(value, found))?,
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if key.to_lowercase().ends_with("wire") => {
                        found.push(hex::decode(text)?);
                    }
                    _ => frames(value, found)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The vectors of a file: of each list by its own name, or of the only one.
fn recorded(file: &str, value: &Value, seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let lists: Vec<(&str, &Value)> = match value {
        Value::Object(lists) => lists
            .iter()
            .map(|(name, list)| (name.as_str(), list))
            .collect(),
        list => vec![("", list)],
    };
    for (name, list) in lists {
        if let Some(target) = target_of_recorded(file, name) {
            frames(list, seeds.entry(target).or_default())?;
        }
    }
    Ok(())
}

fn generated(value: &Value, seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    for vector in value.as_array().into_iter().flatten() {
        let protocol = vector["protocol"].as_str().unwrap_or_default();
        if let (Some(target), Some(wire)) = (target_of(protocol), vector["wire"].as_str()) {
            seeds.entry(target).or_default().push(hex::decode(wire)?);
        }
    }
    Ok(())
}

/// Lines of an import, from recorded hashes: payload and meta are turned from hex to base64.
fn lines(value: &Value, seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let lines = seeds.entry("import_lines").or_default();
    for vector in value.as_array().into_iter().flatten() {
        let base64 = |key: &str| -> Result<Value, Box<dyn Error>> {
            let text = vector[key].as_str();
            let bytes = text.map(hex::decode).transpose()?;
            Ok(bytes.map_or(Value::Null, |bytes| BASE64_STANDARD.encode(bytes).into()))
        };
        let line = serde_json::json!({
            "messageHash": format!("0x{}", vector["hash"].as_str().unwrap_or_default()),
            "pubsubTopic": vector["pubsubTopic"],
            "message": {
                "payload": base64("payload")?,
                "contentTopic": vector["contentTopic"],
                "version": vector["version"],
                "timestamp": vector["timestamp"],
                "meta": base64("meta")?,
                "ephemeral": vector["ephemeral"],
                "proof": base64("proof")?,
            },
        });
        lines.push(line.to_string().into_bytes());
    }
    Ok(())
}

/// Frames that say as little as can be, over and over: target, beginning, what is repeated, how often.
/// They take the most memory for their length, and nothing but luck makes long ones of short ones.
const FLOODS: [(&str, &[u8], &[u8], usize); 9] = [
    ("own_frames", b"\x01", b"\x22\x00", 1_900),
    ("own_frames", b"\x01", b"\x4a\x00", 1_900),
    ("reconciliation_frames", b"\x00\x00\x01", b"\x01\x00", 900),
    (
        "reconciliation_frames",
        b"\x00\x00\x01",
        b"\x01\x02\x00\x00",
        900,
    ),
    ("message_frames", b"\x0a\x00\x12\x00", b"\x22\x00", 1_000),
    ("store_frames", b"\x0a\x01r", b"\x5a\x00", 3_000),
    ("store_frames", b"\x0a\x01r", b"\xa2\x01\x00", 3_000),
    (
        "store_frames",
        b"\x0a\x01r\x50\xc8\x01",
        b"\xa2\x01\x00",
        900,
    ),
    ("import_lines", b"{\"pubsubTopic\":\"\",\"x\":", b"[0,", 60),
];

fn floods(seeds: &mut Seeds) {
    for (target, beginning, repeated, times) in FLOODS {
        let flood = [beginning, &repeated.repeat(times)].concat();
        seeds.entry(target).or_default().push(flood);
    }
}

fn json_files(directory: &Path) -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let value = serde_json::from_slice(&fs::read(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            files.push((name, value));
        }
    }
    Ok(files)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [vectors, corpus] = &arguments[..] else {
        return Err("usage: seeds VECTORS CORPUS".into());
    };
    let mut seeds = Seeds::new();
    for (file, value) in json_files(Path::new(vectors))? {
        if file == "message_hash" {
            lines(&value, &mut seeds)?;
        }
        recorded(&file, &value, &mut seeds)?;
    }
    let made = Path::new(vectors).join("generated");
    if made.is_dir() {
        for (_, value) in json_files(&made)? {
            generated(&value, &mut seeds)?;
        }
    }
    floods(&mut seeds);
    for (target, frames) in &seeds {
        let directory = Path::new(corpus).join(target);
        fs::create_dir_all(&directory)?;
        for (number, frame) in frames.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), frame)?;
        }
        println!("{target}: {} seeds", frames.len());
    }
    Ok(())
}
