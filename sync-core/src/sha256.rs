//! SHA-256 (FIPS 180-4) block by block, for inputs that are short or lie in memory as they are
//! hashed: that spares the copies through a hasher's buffer.

use sha2::block_api::compress256;

/// Length of a block, in bytes.
pub const BLOCK_BYTES: usize = 64;

/// What SHA-256 works on.
pub type Block = [u8; BLOCK_BYTES];

/// The hash of the blocks so far.
#[derive(Clone, Debug)]
pub struct State([u32; 8]);

impl State {
    /// The initial hash value (section 5.3.3).
    pub const START: Self = Self([
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]);

    /// Takes in the next blocks.
    #[inline]
    pub fn compress(&mut self, blocks: &[Block]) {
        compress256(&mut self.0, blocks);
    }

    /// The hash, of which the last block must have been [padded](pad).
    #[inline]
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        for (bytes, word) in hash.chunks_exact_mut(4).zip(self.0) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        hash
    }
}

/// Ends an input (section 5.1.1) whose last `len` bytes stand at the front of `blocks`, with zeros
/// behind, and whose first `before` bytes are in blocks already taken in; gives the blocks to take
/// in yet. `None` if there is no room for the end.
#[inline]
pub fn pad(blocks: &mut [Block], len: usize, before: usize) -> Option<&[Block]> {
    let bits = 8 * (before + len) as u64;
    let blocks = blocks.get_mut(..(len + 1 + 8).div_ceil(BLOCK_BYTES))?;
    blocks.as_flattened_mut()[len] = 0x80;
    let (_, length) = blocks.last_mut()?.split_last_chunk_mut()?;
    *length = bits.to_be_bytes();
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn inputs_of_any_length_hash_as_by_the_hasher() {
        let bytes: [u8; 4 * BLOCK_BYTES] = core::array::from_fn(|i| (i * 7 + 1) as u8);
        for len in 0..=bytes.len() {
            let (whole, rest) = bytes[..len].as_chunks();
            let mut end = [[0; BLOCK_BYTES]; 2];
            end.as_flattened_mut()[..rest.len()].copy_from_slice(rest);
            let mut state = State::START;
            state.compress(whole);
            state.compress(pad(&mut end, rest.len(), len - rest.len()).unwrap());
            assert_eq!(state.finish()[..], Sha256::digest(&bytes[..len])[..]);
        }
    }

    #[test]
    fn an_end_without_room_is_none() {
        for (len, fits) in [
            (55, true),
            (56, false),
            (64, false),
            (usize::MAX / 16, false),
        ] {
            let mut block = [[0; BLOCK_BYTES]];
            assert_eq!(pad(&mut block, len, 0).is_some(), fits, "{len}");
        }
    }
}
