//! The walk through the fields at its limits. That it finds the faults that the decoders find is for
//! the tests of the generated vectors.

use super::{FieldValue, STORE_RESPONSE, TRANSFER, walk};
use crate::wire::fault::Fault;
use crate::wire::limits::{FIELD_BYTES_SHOWN, FIELDS_LISTED};

#[test]
fn as_many_fields_are_listed_as_the_limit_allows_and_all_are_looked_at() {
    let unlisted = |count: usize| {
        let fields = walk(&STORE_RESPONSE, &b"\x1a\x00".repeat(count), 0).unwrap();
        assert_eq!(fields.fields.len(), count.min(FIELDS_LISTED));
        fields.unlisted_fields
    };
    assert_eq!(unlisted(FIELDS_LISTED), 0);
    assert_eq!(unlisted(FIELDS_LISTED + 1), 1);
    let mut wire = b"\x1a\x00".repeat(FIELDS_LISTED + 1);
    wire.push(0x1a);
    let fault = walk(&STORE_RESPONSE, &wire, 0).unwrap_err();
    assert!(matches!(fault, Fault::Malformed { offset, .. } if offset == wire.len()));
}

#[test]
fn a_message_is_listed_before_its_fields_and_counts_only_if_it_is_one() {
    let nested = b"\x20\x01".repeat(FIELDS_LISTED);
    let mut wire = vec![0x12];
    sync_core::varint::write_leb128(&mut wire, nested.len() as u64);
    wire.extend(nested);
    let fields = walk(&TRANSFER, &wire, 0).unwrap();
    assert_eq!((fields.fields.len(), fields.unlisted_fields), (1, 1));
    // A proof that is none after two fields that could be its own.
    let fields = walk(&TRANSFER, b"\x12\x08\xaa\x01\x05\x0a\x00\x0a\x00\xff", 0).unwrap();
    let FieldValue::Fields(message) = &fields.fields[0].value else {
        panic!("{fields:?}");
    };
    let bytes = FieldValue::bytes(b"\x0a\x00\x0a\x00\xff", FIELD_BYTES_SHOWN);
    assert_eq!(message[0].value, bytes);
}
