//! The walk through a message, field by field, that finds the first fault in it.

use std::fmt::{self, Display};

use prost::encoding::WireType;
use sync_core::varint::read_leb128;

use super::field::{Field, FieldValue, Fields};
use super::schema::{FieldType, Kind, Schema};
use crate::wire::fault::Fault;
use crate::wire::limits::{FIELD_BYTES_SHOWN, FIELDS_LISTED, PAYLOAD_BYTES_SHOWN};

/// The fields of the message of this type that starts at `offset` of `frame` and ends with it.
///
/// # Errors
/// When the bytes are no such message.
pub(in crate::wire) fn walk(
    schema: &'static Schema,
    frame: &[u8],
    offset: usize,
) -> Result<Fields, Fault> {
    let mut walker = Walker {
        frame,
        at: offset,
        seen: 0,
    };
    Ok(Fields {
        fields: walker.message(schema, frame.len())?,
        unlisted_fields: walker.seen.saturating_sub(FIELDS_LISTED),
    })
}

struct Walker<'a> {
    frame: &'a [u8],
    at: usize,
    /// How many fields there have been.
    seen: usize,
}

/// What faults call a field.
#[derive(Clone, Copy)]
struct Name {
    number: u32,
    known: Option<&'static FieldType>,
    schema: &'static Schema,
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, of) = (self.number, self.schema.name);
        match self.known {
            Some(field) => write!(f, "field {number} `{}` of {of}", field.name),
            None => write!(f, "unknown field {number} of {of}"),
        }
    }
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
            let name = Name {
                number,
                known,
                schema,
            };
            let listed = self.seen < FIELDS_LISTED;
            self.seen += 1;
            let value = match known {
                Some(field) => self.known(field, name, wire_type, offset, end)?,
                None => self.unknown(name, wire_type, offset, end)?,
            };
            if !listed {
                continue;
            }
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
        field: &FieldType,
        name: Name,
        wire_type: WireType,
        key_at: usize,
        end: usize,
    ) -> Result<FieldValue, Fault> {
        if !field.kind.takes(wire_type) {
            let form = field.kind.form();
            return Err(Fault::malformed(key_at, format!("{name} {form}")));
        }
        if wire_type == WireType::Varint {
            self.number(field.kind, name, end)
        } else {
            self.delimited(field.kind, name, end)
        }
    }

    fn number(&mut self, kind: Kind, name: Name, end: usize) -> Result<FieldValue, Fault> {
        let value = self.varint(end, name)?;
        Ok(match kind {
            // More bits than the field has are dropped, as protobuf asks.
            Kind::Uint32 | Kind::Uint32s => FieldValue::Number(u64::from(value as u32)),
            Kind::Bool => FieldValue::Flag(value != 0),
            Kind::Time => FieldValue::Time(value),
            Kind::SignedTime => FieldValue::SignedTime((value >> 1) as i64 ^ -((value & 1) as i64)),
            _ => FieldValue::Number(value),
        })
    }

    fn delimited(&mut self, kind: Kind, name: Name, end: usize) -> Result<FieldValue, Fault> {
        let bytes = self.bytes(end, name)?;
        let (start, stop) = (self.at - bytes.len(), self.at);
        Ok(match kind {
            Kind::Text => match std::str::from_utf8(bytes) {
                Ok(text) => FieldValue::Text(text.into()),
                Err(error) => {
                    let offset = start + error.valid_up_to();
                    let expected = format!("text in UTF-8 in {name}");
                    return Err(Fault::malformed(offset, expected));
                }
            },
            Kind::Payload => FieldValue::bytes(bytes, PAYLOAD_BYTES_SHOWN),
            Kind::Message(nested) => {
                self.at = start;
                FieldValue::Fields(self.message(nested, stop)?)
            }
            Kind::PerhapsMessage(nested) => {
                let seen = self.seen;
                self.at = start;
                match self.message(nested, stop) {
                    Ok(fields) => FieldValue::Fields(fields),
                    Err(_) => {
                        (self.at, self.seen) = (stop, seen);
                        FieldValue::bytes(bytes, FIELD_BYTES_SHOWN)
                    }
                }
            }
            Kind::Uint32s | Kind::PackedUint32s => {
                self.at = start;
                let mut numbers = Vec::new();
                while self.at < stop {
                    let number = self.varint(stop, format_args!("a number in {name}"))?;
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
        name: Name,
        wire_type: WireType,
        key_at: usize,
        end: usize,
    ) -> Result<FieldValue, Fault> {
        let number = name.number;
        Ok(match wire_type {
            WireType::Varint => FieldValue::Number(self.varint(end, name)?),
            WireType::ThirtyTwoBit => {
                FieldValue::Number(u32::from_le_bytes(self.fixed(end, name)?).into())
            }
            WireType::SixtyFourBit => {
                FieldValue::Number(u64::from_le_bytes(self.fixed(end, name)?))
            }
            WireType::LengthDelimited => {
                FieldValue::bytes(self.bytes(end, name)?, FIELD_BYTES_SHOWN)
            }
            WireType::StartGroup => {
                let start = self.at;
                self.group(name.schema, number, end)?;
                FieldValue::bytes(&self.frame[start..self.at], FIELD_BYTES_SHOWN)
            }
            WireType::EndGroup => {
                let expected = format!("no end of group {number}, which hasn't begun");
                return Err(Fault::malformed(key_at, expected));
            }
        })
    }

    /// What is left of a group, its end included.
    fn group(&mut self, schema: &'static Schema, number: u32, end: usize) -> Result<(), Fault> {
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
                    let name = Name {
                        number,
                        known: None,
                        schema,
                    };
                    self.unknown(name, wire_type, offset, end)?;
                }
            }
        }
        Ok(())
    }

    fn key(&mut self, schema: &Schema, end: usize) -> Result<(u32, WireType), Fault> {
        let offset = self.at;
        let name = schema.name;
        let key = self.varint(end, format_args!("the key of a field of {name}"))?;
        let fault = |expected| Fault::malformed(offset, format!("{expected} in {name}"));
        let wire_type =
            WireType::try_from(key & 7).map_err(|_| fault("a key with a wire type of 0 to 5"))?;
        match u32::try_from(key).map(|key| key >> 3) {
            Ok(number @ 1..) => Ok((number, wire_type)),
            _ => Err(fault("a key with a field number of 1 to 536,870,911")),
        }
    }

    fn varint(&mut self, end: usize, what: impl Display) -> Result<u64, Fault> {
        let Some((value, len)) = read_leb128(&self.frame[self.at..end]) else {
            let expected = format!("a varint of at most 64 bits as {what}");
            return Err(Fault::malformed(self.at, expected));
        };
        self.at += len;
        Ok(value)
    }

    /// A length, and so many bytes.
    fn bytes(&mut self, end: usize, what: Name) -> Result<&'a [u8], Fault> {
        let offset = self.at;
        let len = self.varint(end, format_args!("the length of {what}"))?;
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

    fn fixed<const N: usize>(&mut self, end: usize, what: Name) -> Result<[u8; N], Fault> {
        let Some((bytes, _)) = self.frame[self.at..end].split_first_chunk() else {
            return Err(Fault::malformed(self.at, format!("{N} bytes in {what}")));
        };
        self.at += N;
        Ok(*bytes)
    }
}
