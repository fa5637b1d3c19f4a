//! The generated vectors: that the files are what the generator writes, that every frame decodes to
//! what stands there, and that the inspector says of any bytes what the decoders say.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop")]

#[path = "../../examples/vectors/files/mod.rs"]
mod files;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use files::vector::{Content, Format, Vector, Verdict};
use prost::Message;
use store_adapter::limits::StoreLimits;
use store_adapter::store::{StoreQueryRequest, StoreQueryResponse};
use store_adapter::{WakuMessageAndTopic, WakuMetadata};
use sync_core::negentropy::{Decoder, Encoder, FINGERPRINT_BYTES, Mode, PROTOCOL_VERSION};
use sync_core::own::Frame;
use sync_core::waku::{HeaderForm, Payload};
use sync_core::{Id, SessionError, SessionLimits};
use wakustore::wire::{Fault, Outcome, Protocol, inspect};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/generated")
}

/// All frames, with their formats.
fn frames() -> Vec<(Format, Vector)> {
    let mut frames = Vec::new();
    for file in files::all() {
        if let Content::Frames(format, vectors) = file.content {
            frames.extend(vectors.into_iter().map(|vector| (format, vector)));
        }
    }
    frames
}

/// What the encoder makes of what the decoder reads; `None` if it doesn't take the frame.
fn encoded_anew(format: Format, frame: &[u8]) -> Option<Vec<u8>> {
    let limits = SessionLimits::default();
    match format.protocol {
        Protocol::Reconciliation => {
            let payload = Payload::decode(format.form.unwrap(), frame, &limits);
            payload.ok().map(|payload| payload.encode())
        }
        Protocol::Negentropy => negentropy_anew(frame).ok(),
        Protocol::Own => match Frame::decode(frame, &limits).ok()? {
            Frame::Reconcile(message) => negentropy_anew(message).ok(),
            Frame::Hello(hello) => {
                // Its limits are checked where the scope is read.
                let limit = |error: &SessionError| matches!(error, SessionError::Limit { .. });
                let scope = hello.scope(&limits);
                let state = hello.state(&limits);
                let past = scope.is_err_and(|e| limit(&e)) || state.is_err_and(|e| limit(&e));
                (!past).then(|| Frame::Hello(hello).encode())
            }
            frame => Some(frame.encode()),
        },
        Protocol::Transfer => {
            let decoded = WakuMessageAndTopic::decode_frame(frame).ok()?;
            Some(decoded.encode_frame().unwrap())
        }
        Protocol::StoreRequest => {
            let within = frame.len() <= StoreLimits::default().request_bytes;
            let request = StoreQueryRequest::decode(frame).ok().filter(|_| within)?;
            Some(request.encode_to_vec())
        }
        Protocol::StoreResponse => {
            let response = StoreQueryResponse::decode(frame).ok()?;
            (response.messages.len() <= 1_000).then(|| response.encode_to_vec())
        }
        Protocol::Metadata => WakuMetadata::decode(frame).ok().map(|m| m.encode()),
    }
}

fn negentropy_anew(frame: &[u8]) -> Result<Vec<u8>, SessionError> {
    let (version, mut decoder) = Decoder::new(frame)?;
    let mut encoder = Encoder::new();
    if version != PROTOCOL_VERSION {
        return Ok(encoder.finish());
    }
    while let Some(head) = decoder.next_range()? {
        match head.mode {
            Mode::Skip => encoder.skip(&head.upper),
            Mode::Fingerprint => {
                let fingerprint: [u8; FINGERPRINT_BYTES] =
                    decoder.fingerprint()?.try_into().unwrap();
                encoder.fingerprint(&head.upper, &fingerprint);
            }
            Mode::IdList => {
                let ids: Vec<Id> = decoder.ids()?.collect();
                encoder.id_list(&head.upper, ids.len());
                ids.iter().for_each(|id| encoder.id(id));
            }
        }
    }
    Ok(encoder.finish())
}

#[test]
fn the_files_are_what_the_generator_writes() {
    let mut names = BTreeSet::new();
    for file in files::all() {
        let written = std::fs::read_to_string(directory().join(file.name)).unwrap_or_default();
        let same = written == file.render().unwrap();
        assert!(
            same,
            "{} is out of date: `make vectors` writes it",
            file.name
        );
        names.insert(file.name.to_owned());
    }
    let found = std::fs::read_dir(directory()).unwrap();
    let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), names, "no other files");
}

#[test]
fn canonical_frames_are_encoded_to_the_same_bytes_and_others_are_not() {
    let mut canonical = 0;
    for (format, vector) in frames() {
        let name = format!("{:?}: {}", format.protocol, vector.name);
        let anew = encoded_anew(format, &vector.wire);
        match vector.verdict {
            Verdict::Canonical => {
                assert_eq!(anew.as_ref(), Some(&vector.wire), "{name}");
                canonical += 1;
            }
            Verdict::Foreign => {
                let anew = anew.unwrap_or_else(|| panic!("{name} isn't taken"));
                assert_ne!(anew, vector.wire, "{name}");
            }
            Verdict::Malformed(_) | Verdict::Limit(_) => assert_eq!(anew, None, "{name}"),
        }
    }
    assert!(canonical > 80, "{canonical}");
}

#[test]
fn names_tell_vectors_apart() {
    for file in files::all() {
        if let Content::Frames(_, vectors) = file.content {
            let names: BTreeSet<&str> = vectors.iter().map(|v| v.name.as_str()).collect();
            assert_eq!(names.len(), vectors.len(), "{}", file.name);
        }
    }
}

/// Frames that differ from `wire` by a byte, or end early, or go on.
fn altered(wire: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..wire.len()).map(|len| wire[..len].to_vec());
    let places = 0..wire.len().min(300);
    let changed = places.flat_map(|place| {
        [
            0x00,
            0x01,
            0x7f,
            0x80,
            0xff,
            wire[place] ^ 1,
            wire[place] ^ 8,
        ]
        .map(|byte| {
            let mut changed = wire.to_vec();
            changed[place] = byte;
            changed
        })
    });
    let longer = [0x00, 0x08, 0xff].map(|byte| [wire, &[byte]].concat());
    cut.chain(changed).chain(longer)
}

/// What the inspector says of `wire`, compared with the decoder.
fn assert_same_verdict(format: Format, wire: &[u8]) {
    let form = format.form.unwrap_or_default();
    let inspection = inspect(format.protocol, form, wire);
    let taken = encoded_anew(format, wire).is_some();
    let bytes = || {
        format!(
            "{:?} {}: {inspection:?}",
            format.protocol,
            hex::encode(wire)
        )
    };
    assert_eq!(inspection.valid, taken, "{}", bytes());
    if let Outcome::Invalid {
        error: Fault::Malformed { offset, expected },
        ..
    } = &inspection.outcome
    {
        assert!(*offset <= wire.len(), "{}", bytes());
        // Else the walk through the fields has missed the place.
        assert!(
            !expected.starts_with("what the decoder takes"),
            "{}",
            bytes()
        );
    }
    let text = inspection.text();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
    serde_json::to_string(&inspection).unwrap();
}

#[test]
fn the_inspector_says_of_any_bytes_what_the_decoder_says() {
    let frames = frames();
    let formats = [
        (Protocol::Reconciliation, Some(HeaderForm::Topics)),
        (Protocol::Reconciliation, Some(HeaderForm::Cluster(0))),
        (Protocol::Negentropy, None),
        (Protocol::Own, None),
        (Protocol::Transfer, None),
        (Protocol::StoreRequest, None),
        (Protocol::StoreResponse, None),
        (Protocol::Metadata, None),
    ];
    for (format, vector) in &frames {
        // Once as what it is meant to be, altered; and as all else, as it is.
        if vector.wire.len() < 600 {
            altered(&vector.wire).for_each(|wire| assert_same_verdict(*format, &wire));
        }
        for (protocol, form) in formats {
            assert_same_verdict(Format { protocol, form }, &vector.wire);
        }
    }
}
