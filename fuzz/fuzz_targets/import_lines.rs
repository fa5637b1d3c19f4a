//! Lines of an import: what parses is read from its export alike, in little memory, and every line of
//! a file is told by its number.
#![no_main]

use fuzz::allocation::bounded;
use libfuzzer_sys::fuzz_target;
use store_adapter::Record;
use store_adapter::limits::LINE_BYTES;
use store_adapter::line::{ImportLine, LineReader, export_line};

/// What an export may have more than the line: the hash.
const ADDED_BYTES: usize = 100;

fn check_line(line: &[u8]) {
    let Ok(read) = bounded(line, ImportLine::parse) else {
        return;
    };
    let Ok(record) = Record::new(read.pubsub_topic.as_str(), read.message.clone()) else {
        assert!(read.message.timestamp() < 0);
        return;
    };
    let exported = export_line(&record);
    if exported.len() > LINE_BYTES {
        assert!(line.len() + ADDED_BYTES > LINE_BYTES);
        return;
    }
    let again = ImportLine::parse(exported.as_bytes()).expect("an export is read");
    assert_eq!(again.message_hash, Some(record.hash()));
    assert_eq!(again.pubsub_topic, read.pubsub_topic);
    assert_eq!(again.message, read.message);
    assert!(again.unknown_keys.is_empty());
}

fuzz_target!(|file: &[u8]| {
    let filled = |line: &&[u8]| !line.trim_ascii().is_empty();
    let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    lines.iter().for_each(|line| check_line(line.trim_ascii()));
    let mut reader = LineReader::new(file);
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| filled(line)) {
        let read = reader.next_line().expect("memory can be read");
        let read = read.expect("a line that isn't blank is given");
        assert_eq!(reader.number(), index as u64 + 1);
        let parsed = ImportLine::parse(line.trim_ascii());
        assert_eq!(read.ok(), parsed.ok());
    }
    assert!(reader.next_line().expect("memory can be read").is_none());
});
