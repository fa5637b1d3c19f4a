//! What the environment says: `WAKUSTORE_TCP_PORT` for `--tcp-port`, and so for every flag.

use std::ffi::OsString;

use super::flags::{Flag, Flags};
use super::{ConfigError, Notice, Values};

/// What the names of variables begin with.
const PREFIX: &str = "WAKUSTORE_";

/// The variable of a flag.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('-', "_").to_ascii_uppercase())
}

/// The values of the variables that are flags, and notices of those that seem to be meant for this
/// program and are none. Other programs, such as Kubernetes, make variables with the same beginning, so
/// that these are no errors.
///
/// # Errors
/// When a value can't be read.
pub(super) fn read(
    flags: &Flags,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Values, Vec<Notice>), ConfigError> {
    let mut values = Values::new();
    let mut notices = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Some(flag) = flags.iter().find(|flag| variable(&flag.name) == name) else {
            let nearest = flags.nearest(&name[PREFIX.len()..]);
            let nearest = nearest.map(|flag| variable(&flag.name));
            notices.push(Notice::UnknownVariable {
                name: name.to_owned(),
                nearest,
            });
            continue;
        };
        let Some(value) = value.to_str() else {
            return Err(ConfigError::Variable {
                name: name.to_owned(),
                reason: "expected text in UTF-8, got other bytes".to_owned(),
            });
        };
        let read = parts(flag, value).map_err(|reason| ConfigError::Variable {
            name: name.to_owned(),
            reason,
        })?;
        // Compose files set variables to nothing to leave them out.
        if !read.is_empty() {
            values.insert(flag.name.clone(), read);
        }
    }
    Ok((values, notices))
}

/// The values in a variable: of a flag that may be repeated several, joined by commas or as nwaku has
/// them, in a JSON array.
fn parts(flag: &Flag, value: &str) -> Result<Vec<String>, String> {
    let value = value.trim();
    if !flag.repeatable {
        let values = (!value.is_empty()).then(|| value.to_owned());
        return Ok(values.into_iter().collect());
    }
    if value.starts_with('[') {
        let parsed: Vec<serde_json::Value> = serde_json::from_str(value).map_err(|error| {
            format!("expected values joined by commas or in a JSON array: {error}")
        })?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        return Ok(parsed.into_iter().map(text).collect());
    }
    let parts = value.split(',').map(str::trim);
    Ok(parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}
