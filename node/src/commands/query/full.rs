//! One message in full.

use store_adapter::Record;

use super::counted;
use super::limits::DUMPED_AT_ONCE;
use super::text::{escaped, hex_dump};
use crate::cli::time::utc;

/// All there is of a message, as texts to be written one after the other: its fields, then its
/// payload in hex.
pub(super) fn parts(record: &Record) -> impl Iterator<Item = String> {
    let payload = &record.message().payload;
    let dump = payload.chunks(DUMPED_AT_ONCE).enumerate();
    let dump = dump.map(|(number, bytes)| hex_dump(bytes, number * DUMPED_AT_ONCE));
    std::iter::once(fields(record)).chain(dump)
}

fn fields(record: &Record) -> String {
    let message = record.message();
    let bytes = |bytes: &Option<Vec<u8>>| match bytes {
        None => "none".to_owned(),
        Some(bytes) => format!(
            "{}, {}",
            counted(bytes.len() as u64, "byte"),
            hex::encode(bytes)
        ),
    };
    let timestamp = record.item().timestamp;
    let when = match message.timestamp {
        Some(_) => format!("{} ({timestamp} ns)", utc(timestamp)),
        None => "none".to_owned(),
    };
    let version = message.version.map(|version| version.to_string());
    let fields = [
        ("hash", format!("0x{}", record.hash())),
        ("time", when),
        ("pubsub topic", escaped(record.pubsub_topic())),
        ("content topic", escaped(&message.content_topic)),
        ("version", version.unwrap_or_else(|| "none".to_owned())),
        (
            "ephemeral",
            if message.is_ephemeral() { "yes" } else { "no" }.to_owned(),
        ),
        ("meta", bytes(&message.meta)),
        ("proof", bytes(&message.rate_limit_proof)),
        ("payload", counted(message.payload.len() as u64, "byte")),
    ];
    let lines: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name:<14}{value}"))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use store_adapter::WakuMessage;

    use super::*;

    #[test]
    fn a_long_payload_is_dumped_in_parts_that_join() {
        let payload: Vec<u8> = (0..10_000u32)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        let message = WakuMessage {
            payload: payload.clone(),
            content_topic: "/a\n/b".into(),
            timestamp: Some(1_700_000_000_000_000_000),
            meta: Some(vec![1, 0xff]),
            ..WakuMessage::default()
        };
        let record = Record::new("/waku/2/rs/1/0", message).unwrap();
        let parts: Vec<String> = parts(&record).collect();
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[1..].join("\n"), hex_dump(&payload, 0));
        let fields = &parts[0];
        for line in [
            "time          2023-11-14T22:13:20Z (1700000000000000000 ns)",
            r"content topic /a\n/b",
            "meta          2 bytes, 01ff",
            "payload       10,000 bytes",
        ] {
            assert!(
                fields.lines().any(|other| other == line),
                "{line}: {fields}"
            );
        }
    }
}
