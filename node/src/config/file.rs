//! What a TOML file says: its keys are the names of flags, so that nwaku's files can be read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::{Table, Value};

use super::flags::{Flag, Flags};
use super::limits::CONFIG_FILE_BYTES;
use super::{CONFIG_FILE, ConfigError, Values};

/// The values in the file.
///
/// # Errors
/// When it can't be read, or holds a key that is no flag or a value that none can have.
pub(super) fn read(flags: &Flags, path: &Path) -> Result<Values, ConfigError> {
    let refuse = |reason: String| ConfigError::File {
        path: path.to_owned(),
        reason,
    };
    let text = text(path).map_err(refuse)?;
    let table = parse(&text).map_err(refuse)?;
    values(flags, table).map_err(refuse)
}

fn text(path: &Path) -> Result<String, String> {
    let read = |error: std::io::Error| format!("can't be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read)?;
    let taken = file.take(CONFIG_FILE_BYTES + 1).read_to_end(&mut bytes);
    taken.map_err(read)?;
    if bytes.len() as u64 > CONFIG_FILE_BYTES {
        return Err(format!(
            "expected at most {CONFIG_FILE_BYTES} bytes, it is longer; is it a configuration?"
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("expected text in UTF-8, got other bytes at offset {at}")
    })
}

/// The error has no line of the file in it, which may hold a key or a password.
fn parse(text: &str) -> Result<Table, String> {
    text.parse().map_err(|error: toml::de::Error| {
        let until = error.span().map_or(0, |span| span.start);
        let before = text.get(..until).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        format!("line {line} is no TOML: {}", error.message())
    })
}

fn values(flags: &Flags, table: Table) -> Result<Values, String> {
    let mut values = Values::new();
    for (key, value) in table {
        let flag = match flags.find(&key) {
            Some(flag) if flag.name != CONFIG_FILE && !value.is_table() => flag,
            Some(flag) if flag.name == CONFIG_FILE => {
                return Err(format!("`{key}` can't be given in the file itself"));
            }
            _ => return Err(unknown(flags, &key, &value)),
        };
        let texts = texts(flag, &value).map_err(|reason| format!("`{key}`: {reason}"))?;
        if values.insert(flag.name.clone(), texts).is_some() {
            return Err(format!(
                "`{}` is given twice, the second time as `{key}`",
                flag.name
            ));
        }
    }
    // nwaku writes what isn't set as an empty text.
    values.retain(|_, texts| !texts.is_empty());
    Ok(values)
}

fn unknown(flags: &Flags, key: &str, value: &Value) -> String {
    if value.is_table() {
        return format!("unknown section `[{key}]`: keys are names of flags, in no section");
    }
    match flags.nearest(key) {
        Some(flag) => format!("unknown key `{key}`; did you mean `{}`?", flag.name),
        None => {
            format!(
                "unknown key `{key}`; `wakustore run --help` lists the flags, which are the keys"
            )
        }
    }
}

fn texts(flag: &Flag, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(values) if flag.repeatable => values.iter().map(scalar).collect(),
        Value::Array(_) => Err("expected one value, got an array".to_owned()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        value => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Datetime(time) => Ok(time.to_string()),
        Value::Array(_) | Value::Table(_) => Err(format!(
            "expected text, a number or a boolean, got a {}",
            value.type_str()
        )),
    }
}
