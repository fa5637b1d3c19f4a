//! Keeps protobuf fields that a message type doesn't know, so that they survive a round trip.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};

use crate::limits::GROUP_DEPTH;

/// Copies one field, whose key has been read, from `buf` to the end of `out`, key included.
///
/// Varints come out in their shortest form. Groups are kept to a depth of [`GROUP_DEPTH`].
pub(crate) fn keep(
    mut tag: u32,
    mut wire_type: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut open_groups = Vec::new();
    loop {
        match wire_type {
            WireType::StartGroup if open_groups.len() < GROUP_DEPTH => {
                encoding::encode_key(tag, wire_type, out);
                open_groups.push(tag);
            }
            WireType::EndGroup if open_groups.last() == Some(&tag) => {
                encoding::encode_key(tag, wire_type, out);
                open_groups.pop();
            }
            // What is left of groups is nested too deep or ends what hasn't begun.
            WireType::StartGroup | WireType::EndGroup => {
                return encoding::skip_field(WireType::EndGroup, tag, buf, ctx);
            }
            WireType::Varint => {
                let value = encoding::decode_varint(buf)?;
                encoding::encode_key(tag, wire_type, out);
                encoding::encode_varint(value, out);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                encoding::fixed64::merge(wire_type, &mut value, buf, ctx.clone())?;
                encoding::fixed64::encode(tag, &value, out);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                encoding::fixed32::merge(wire_type, &mut value, buf, ctx.clone())?;
                encoding::fixed32::encode(tag, &value, out);
            }
            WireType::LengthDelimited => {
                let mut value = Vec::new();
                encoding::bytes::merge(wire_type, &mut value, buf, ctx.clone())?;
                encoding::encode_key(tag, wire_type, out);
                encoding::encode_varint(value.len() as u64, out);
                out.put_slice(&value);
            }
        }
        if open_groups.is_empty() {
            return Ok(());
        }
        (tag, wire_type) = encoding::decode_key(buf)?;
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::message::WakuMessage;

    fn unknown_of(field: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let mut wire = WakuMessage::default().encode_to_vec();
        wire.extend_from_slice(field);
        WakuMessage::decode(&wire[..]).map(|message| message.unknown)
    }

    #[test]
    fn every_kind_of_field_is_kept() {
        let fields: [&[u8]; 5] = [
            b"\x20\x96\x01",
            b"\x21\x01\x02\x03\x04\x05\x06\x07\x08",
            b"\x22\x03abc",
            b"\x25\x01\x02\x03\x04",
            b"\x23\x28\x05\x33\x08\x01\x34\x24",
        ];
        for field in fields {
            assert_eq!(unknown_of(field).unwrap(), field);
        }
        assert_eq!(unknown_of(&fields.concat()).unwrap(), fields.concat());
    }

    #[test]
    fn broken_groups_are_refused_and_deep_ones_bounded() {
        assert!(unknown_of(b"\x24").is_err());
        assert!(unknown_of(b"\x23\x2c").is_err());
        assert!(unknown_of(b"\x23").is_err());
        let nested = |depth: usize| [vec![0x23; depth], vec![0x24; depth]].concat();
        assert!(unknown_of(&nested(GROUP_DEPTH)).is_ok());
        assert!(unknown_of(&nested(GROUP_DEPTH + 1)).is_err());
        assert!(unknown_of(&nested(1_000_000)).is_err());
    }

    #[test]
    fn a_length_past_the_end_is_refused_without_allocating_it() {
        assert!(unknown_of(b"\x22\xff\xff\xff\xff\x0fabc").is_err());
    }
}
