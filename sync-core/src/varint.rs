//! The two varints of the wire formats: LEB128 (least significant group first; `waku` dialect,
//! protobuf, stream prefixes) and base-128 with the most significant group first (negentropy).

use alloc::vec::Vec;

/// The most bytes that a `u64` takes in either form.
pub const MAX_LEN: usize = 10;

/// Bytes of a word.
const WORD: usize = 8;

/// The bit of each byte of a word that says that another byte follows.
const MORE: u64 = 0x8080_8080_8080_8080;

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

/// Writes `value` in base 128, most significant group first, to the front of `out`; gives how many bytes it
/// took. Those behind are zeroed.
///
/// A word's groups of seven bits are spread to bytes in three steps, each of which moves the upper half of
/// every field apart from the lower, and go out as one word.
#[inline]
pub fn write_big_endian_to(out: &mut [u8; MAX_LEN], value: u64) -> usize {
    let len = big_endian_len(value);
    *out = [0; MAX_LEN];
    if len > WORD {
        write_big_endian_bytewise(&mut out[..len], value);
        return len;
    }
    let halves = (value & 0xfff_ffff) | ((value & 0xff_ffff_f000_0000) << 4);
    let quarters = (halves & 0x3fff_0000_3fff) | ((halves & 0xfff_c000_0fff_c000) << 2);
    let groups = (quarters & 0x7f_007f_007f_007f) | ((quarters & 0x3f80_3f80_3f80_3f80) << 1);
    // All but the least group are followed by another.
    let bytes = (groups | (MORE & !0xff)) << (8 * (WORD - len));
    out[..WORD].copy_from_slice(&bytes.to_be_bytes());
    len
}

/// What takes more than a word.
#[cold]
fn write_big_endian_bytewise(out: &mut [u8], value: u64) {
    let groups = (0..out.len()).rev();
    for (byte, group) in out.iter_mut().zip(groups) {
        *byte = ((value >> (7 * group)) as u8 & 0x7f) | if group > 0 { 0x80 } else { 0 };
    }
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
#[inline]
#[must_use]
pub fn read_big_endian(bytes: &[u8]) -> Option<(u64, usize)> {
    let word = bytes
        .first_chunk()
        .map_or(MORE, |word| u64::from_be_bytes(*word));
    let ends = !word & MORE;
    if ends == 0 {
        return read_big_endian_bytewise(bytes);
    }
    let len = ends.leading_zeros() as usize / 8 + 1;
    let groups = (word >> (8 * (WORD - len))) & !MORE;
    // The way back from what is written, step by step.
    let quarters = (groups & 0x7f_007f_007f_007f) | ((groups & 0x7f00_7f00_7f00_7f00) >> 1);
    let halves = (quarters & 0x3fff_0000_3fff) | ((quarters & 0x3fff_0000_3fff_0000) >> 2);
    let value = (halves & 0xfff_ffff) | ((halves & 0xfff_ffff_0000_0000) >> 4);
    Some((value, len))
}

/// What takes more than a word, or lies at the end.
#[cold]
fn read_big_endian_bytewise(bytes: &[u8]) -> Option<(u64, usize)> {
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
            let len = out.len();
            let groups = (0..len)
                .rev()
                .map(|group| (value >> (7 * group)) as u8 & 0x7f);
            let plain: Vec<u8> = groups.collect();
            assert_eq!(
                out.iter().map(|byte| byte & 0x7f).collect::<Vec<_>>(),
                plain
            );
            assert!(out[..len - 1].iter().all(|byte| byte & 0x80 != 0));
            // Whatever lies behind it.
            for more in [0, 0x7f, 0x80, 0xff] {
                out.resize(len + 16, more);
                assert_eq!(read_big_endian(&out), Some((value, len)));
                out.truncate(len);
            }
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
