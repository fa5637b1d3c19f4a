//! Frames of negentropy V1: what decodes is read from its encoding alike, and decoding takes no memory.
#![no_main]

use fuzz::allocation;
use libfuzzer_sys::fuzz_target;
use sync_core::negentropy::{Decoder, Encoder, Mode, PROTOCOL_VERSION, PrefixBound};
use sync_core::{Id, SessionError};

#[derive(PartialEq, Debug)]
enum Payload {
    Skip,
    Fingerprint([u8; 16]),
    Ids(Vec<Id>),
}

type Ranges = Vec<(PrefixBound, Payload)>;

/// Reads all of a frame, which a session does too, and keeps nothing.
fn walk(frame: &[u8]) -> Result<u8, SessionError> {
    let (version, mut decoder) = Decoder::new(frame)?;
    while let Some(head) = decoder.next_range()? {
        match head.mode {
            Mode::Skip => {}
            Mode::Fingerprint => _ = decoder.fingerprint()?,
            Mode::IdList => _ = decoder.ids()?.count(),
        }
        assert!(decoder.offset() <= frame.len());
    }
    assert_eq!(decoder.offset(), frame.len());
    Ok(version)
}

fn ranges(frame: &[u8]) -> Result<Ranges, SessionError> {
    let (_, mut decoder) = Decoder::new(frame)?;
    let mut ranges: Ranges = Vec::new();
    while let Some(head) = decoder.next_range()? {
        let payload = match head.mode {
            Mode::Skip => Payload::Skip,
            Mode::Fingerprint => {
                Payload::Fingerprint(decoder.fingerprint()?.try_into().expect("16 bytes"))
            }
            Mode::IdList => Payload::Ids(decoder.ids()?.collect()),
        };
        if let Some((last, _)) = ranges.last() {
            assert!(last.bound() <= head.upper.bound(), "bounds never descend");
        }
        ranges.push((head.upper, payload));
    }
    Ok(ranges)
}

fn encode(ranges: &Ranges) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for (upper, payload) in ranges {
        match payload {
            Payload::Skip => encoder.skip(upper),
            Payload::Fingerprint(fingerprint) => encoder.fingerprint(upper, fingerprint),
            Payload::Ids(ids) => {
                encoder.id_list(upper, ids.len());
                ids.iter().for_each(|id| encoder.id(id));
            }
        }
    }
    encoder.finish()
}

fuzz_target!(|frame: &[u8]| {
    let walked = allocation::bounded_by(0, || walk(frame));
    let read = ranges(frame);
    assert_eq!(walked.as_ref().err(), read.as_ref().err());
    let Ok(told) = read else { return };
    let encoded = encode(&told);
    assert!(encoded.len() <= frame.len(), "the shortest form is written");
    assert_eq!(walk(&encoded), Ok(PROTOCOL_VERSION));
    assert_eq!(ranges(&encoded), Ok(told));
});
