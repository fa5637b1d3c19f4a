//! The two varints of the wire formats: LEB128 (least significant group first; `waku` dialect,
//! protobuf, stream prefixes) and base-128 with the most significant group first (negentropy).

use alloc::vec::Vec;

/// The most bytes that a `u64` takes in either form.
pub const MAX_LEN: usize = 10;

/// Appends `value` in LEB128.
pub fn write_leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a LEB128 integer from the front of `bytes`; gives the value and how many bytes it took.
///
/// `None` when the bytes end within it or it doesn't fit a `u64`.
#[must_use]
pub fn read_leb128(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(MAX_LEN).enumerate() {
        let group = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        if shift == 63 && group > 1 {
            return None;
        }
        value |= group << shift;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Writes `value` in base 128, most significant group first, to the front of `out`, which must
/// have room for [`MAX_LEN`] bytes; gives how many were written.
pub fn write_big_endian_to(out: &mut [u8], value: u64) -> usize {
    let len = big_endian_len(value);
    for (index, byte) in out[..len].iter_mut().enumerate() {
        let shift = 7 * (len - 1 - index);
        *byte = ((value >> shift) as u8 & 0x7f) | if shift > 0 { 0x80 } else { 0 };
    }
    len
}

/// Appends `value` in base 128, most significant group first.
pub fn write_big_endian(out: &mut Vec<u8>, value: u64) {
    let mut buffer = [0; MAX_LEN];
    let len = write_big_endian_to(&mut buffer, value);
    out.extend_from_slice(&buffer[..len]);
}

/// How many bytes `value` takes in base 128.
#[must_use]
pub fn big_endian_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads a base-128 integer, most significant group first, from the front of `bytes`; gives the
/// value and how many bytes it took.
///
/// `None` when the bytes end within it or it doesn't fit a `u64`.
#[must_use]
pub fn read_big_endian(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate() {
        if value >> 57 != 0 {
            return None;
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
        // Leading zero groups are legal; no more than this many.
        if index + 1 == MAX_LEN {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_round_trip_at_the_edges() {
        for value in (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1, u64::MAX >> bit]) {
            let mut out = Vec::new();
            write_leb128(&mut out, value);
            assert_eq!(read_leb128(&out), Some((value, out.len())));
            assert_eq!(read_leb128(&out[..out.len() - 1]), None);
            out.clear();
            write_big_endian(&mut out, value);
            assert_eq!(out.len(), big_endian_len(value));
            assert_eq!(read_big_endian(&out), Some((value, out.len())));
            assert_eq!(read_big_endian(&out[..out.len() - 1]), None);
        }
    }

    #[test]
    fn values_over_64_bits_are_refused() {
        let mut big = [0xff; 10];
        big[9] = 0x02;
        assert_eq!(read_leb128(&big), None);
        assert_eq!(read_leb128(&[0xff; 40]), None);
        assert_eq!(read_big_endian(&[0xff; 40]), None);
        let mut big = [0x80; 10];
        (big[0], big[9]) = (0x82, 0x00);
        assert_eq!(read_big_endian(&big), None);
    }
}
