//! The walk through a message, field by field, that finds the first fault in it.

use prost::encoding::WireType;
use sync_core::varint::read_leb128;

use super::field::{Field, FieldValue};
use super::schema::{FieldType, Kind, Schema};
use crate::wire::fault::Fault;
use crate::wire::limits::{FIELD_BYTES_SHOWN, FIELDS_LISTED, PAYLOAD_BYTES_SHOWN};

/// The fields of the message of this type that starts at `offset` of `frame` and ends with it. Only
/// the first [`FIELDS_LISTED`] are listed, but all are looked at.
///
/// # Errors
/// When the bytes are no such message.
pub(in crate::wire) fn walk(
    schema: &'static Schema,
    frame: &[u8],
    offset: usize,
) -> Result<Vec<Field>, Fault> {
    let mut walker = Walker {
        frame,
        at: offset,
        left: FIELDS_LISTED,
    };
    walker.message(schema, frame.len())
}

struct Walker<'a> {
    frame: &'a [u8],
    at: usize,
    /// How many fields more are listed.
    left: usize,
}

/// A field whose key was read.
struct Open {
    field: &'static FieldType,
    /// What faults call it.
    what: String,
}

impl<'a> Walker<'a> {
    /// The fields up to `end`. Messages nest no deeper than their types do.
    fn message(&mut self, schema: &'static Schema, end: usize) -> Result<Vec<Field>, Fault> {
        let mut fields: Vec<Field> = Vec::new();
        // Where the last of each field stands that counts once.
        let mut singular: Vec<(u32, usize)> = Vec::new();
        while self.at < end {
            let offset = self.at;
            let (number, wire_type) = self.key(schema, end)?;
            let known = schema.field(number, wire_type);
            let value = match known {
                Some(field) => self.known(schema, field, wire_type, offset, end)?,
                None => self.unknown(schema, number, wire_type, offset, end)?,
            };
            let Some(left) = self.left.checked_sub(1) else {
                continue;
            };
            self.left = left;
            if known.is_some_and(|field| !field.repeated && !matches!(field.kind, Kind::Message(_)))
            {
                match singular.iter_mut().find(|(seen, _)| *seen == number) {
                    Some((_, index)) => {
                        fields[*index].replaced = true;
                        *index = fields.len();
                    }
                    None => singular.push((number, fields.len())),
                }
            }
            fields.push(Field {
                number,
                name: known.map(|field| field.name),
                offset,
                bytes: self.at - offset,
                replaced: false,
                value,
            });
        }
        Ok(fields)
    }

    fn known(
        &mut self,
        schema: &Schema,
        field: &'static FieldType,
        wire_type: WireType,
        key_at: usize,
        end: usize,
    ) -> Result<FieldValue, Fault> {
        let what = format!("field {} `{}` of {}", field.number, field.name, schema.name);
        if !field.kind.takes(wire_type) {
            let form = field.kind.form();
            return Err(Fault::malformed(key_at, format!("{what} {form}")));
        }
        let open = Open { field, what };
        if wire_type == WireType::Varint {
            self.number(&open, end)
        } else {
            self.delimited(&open, end)
        }
    }

    fn number(&mut self, open: &Open, end: usize) -> Result<FieldValue, Fault> {
        let value = self.varint(end, || open.what.clone())?;
        Ok(match open.field.kind {
            // More bits than the field has are dropped, as protobuf asks.
            Kind::Uint32 | Kind::Uint32s => FieldValue::Number(u64::from(value as u32)),
            Kind::Bool => FieldValue::Flag(value != 0),
            Kind::Time => FieldValue::Time(value),
            Kind::SignedTime => FieldValue::SignedTime((value >> 1) as i64 ^ -((value & 1) as i64)),
            _ => FieldValue::Number(value),
        })
    }

    fn delimited(&mut self, open: &Open, end: usize) -> Result<FieldValue, Fault> {
        let bytes = self.bytes(end, &open.what)?;
        let (start, stop) = (self.at - bytes.len(), self.at);
        Ok(match open.field.kind {
            Kind::Text => match std::str::from_utf8(bytes) {
                Ok(text) => FieldValue::Text(text.into()),
                Err(error) => {
                    let offset = start + error.valid_up_to();
                    let expected = format!("text in UTF-8 in {}", open.what);
                    return Err(Fault::malformed(offset, expected));
                }
            },
            Kind::Payload => FieldValue::bytes(bytes, PAYLOAD_BYTES_SHOWN),
            Kind::Message(nested) => {
                self.at = start;
                FieldValue::Fields(self.message(nested, stop)?)
            }
            Kind::PerhapsMessage(nested) => {
                let left = self.left;
                self.at = start;
                match self.message(nested, stop) {
                    Ok(fields) => FieldValue::Fields(fields),
                    Err(_) => {
                        (self.at, self.left) = (stop, left);
                        FieldValue::bytes(bytes, FIELD_BYTES_SHOWN)
                    }
                }
            }
            Kind::Uint32s | Kind::PackedUint32s => {
                self.at = start;
                let mut numbers = Vec::new();
                while self.at < stop {
                    let number = self.varint(stop, || format!("a number in {}", open.what))?;
                    numbers.push(number as u32);
                }
                FieldValue::Numbers(numbers)
            }
            _ => FieldValue::bytes(bytes, FIELD_BYTES_SHOWN),
        })
    }

    /// A field that the type doesn't know: skipped, whatever it is.
    fn unknown(
        &mut self,
        schema: &Schema,
        number: u32,
        wire_type: WireType,
        key_at: usize,
        end: usize,
    ) -> Result<FieldValue, Fault> {
        let what = || format!("unknown field {number} of {}", schema.name);
        Ok(match wire_type {
            WireType::Varint => FieldValue::Number(self.varint(end, what)?),
            WireType::ThirtyTwoBit => {
                let bytes = self.fixed(end, || format!("4 bytes in {}", what()))?;
                FieldValue::Number(u32::from_le_bytes(bytes).into())
            }
            WireType::SixtyFourBit => {
                let bytes = self.fixed(end, || format!("8 bytes in {}", what()))?;
                FieldValue::Number(u64::from_le_bytes(bytes))
            }
            WireType::LengthDelimited => {
                FieldValue::bytes(self.bytes(end, &what())?, FIELD_BYTES_SHOWN)
            }
            WireType::StartGroup => {
                let start = self.at;
                self.group(schema, number, end)?;
                FieldValue::bytes(&self.frame[start..self.at], FIELD_BYTES_SHOWN)
            }
            WireType::EndGroup => {
                let expected = format!("no end of group {number}, which hasn't begun");
                return Err(Fault::malformed(key_at, expected));
            }
        })
    }

    /// What is left of a group, its end included.
    fn group(&mut self, schema: &Schema, number: u32, end: usize) -> Result<(), Fault> {
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            let offset = self.at;
            if offset == end {
                let expected = format!("the end of group {innermost}");
                return Err(Fault::malformed(offset, expected));
            }
            let (number, wire_type) = self.key(schema, end)?;
            match wire_type {
                WireType::StartGroup if open.len() == schema.group_depth => {
                    let depth = schema.group_depth;
                    let expected = format!("groups nested at most {depth} deep");
                    return Err(Fault::malformed(offset, expected));
                }
                WireType::StartGroup => open.push(number),
                WireType::EndGroup if number == innermost => {
                    open.pop();
                }
                WireType::EndGroup => {
                    let expected = format!("the end of group {innermost}, not of {number}");
                    return Err(Fault::malformed(offset, expected));
                }
                _ => {
                    self.unknown(schema, number, wire_type, offset, end)?;
                }
            }
        }
        Ok(())
    }

    fn key(&mut self, schema: &Schema, end: usize) -> Result<(u32, WireType), Fault> {
        let offset = self.at;
        let name = schema.name;
        let key = self.varint(end, || format!("the key of a field of {name}"))?;
        let fault = |expected| Fault::malformed(offset, format!("{expected} in {name}"));
        let wire_type =
            WireType::try_from(key & 7).map_err(|_| fault("a key with a wire type of 0 to 5"))?;
        match u32::try_from(key).map(|key| key >> 3) {
            Ok(number @ 1..) => Ok((number, wire_type)),
            _ => Err(fault("a key with a field number of 1 to 536,870,911")),
        }
    }

    fn varint(&mut self, end: usize, what: impl FnOnce() -> String) -> Result<u64, Fault> {
        let Some((value, len)) = read_leb128(&self.frame[self.at..end]) else {
            let expected = format!("a varint of at most 64 bits as {}", what());
            return Err(Fault::malformed(self.at, expected));
        };
        self.at += len;
        Ok(value)
    }

    /// A length, and so many bytes.
    fn bytes(&mut self, end: usize, what: &str) -> Result<&'a [u8], Fault> {
        let offset = self.at;
        let len = self.varint(end, || format!("the length of {what}"))?;
        let left = end - self.at;
        match usize::try_from(len) {
            Ok(len) if len <= left => {
                let bytes = &self.frame[self.at..self.at + len];
                self.at += len;
                Ok(bytes)
            }
            _ => {
                let expected = format!("at most {left} as the length of {what}, and not {len}");
                Err(Fault::malformed(offset, expected))
            }
        }
    }

    fn fixed<const N: usize>(
        &mut self,
        end: usize,
        what: impl FnOnce() -> String,
    ) -> Result<[u8; N], Fault> {
        let Some((bytes, _)) = self.frame[self.at..end].split_first_chunk() else {
            return Err(Fault::malformed(self.at, what()));
        };
        self.at += N;
        Ok(*bytes)
    }
}
