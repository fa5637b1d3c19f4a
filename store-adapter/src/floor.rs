//! The retention floor as archives keep it: the position below which nothing is taken or offered.

use sync_core::{Bound, Id, Item};

use crate::archive::{Archive, ArchiveError};

/// The side state that holds the floor: 8 bytes of timestamp, big-endian, and the hash of the
/// first item that is kept, or nothing at all for a floor past every item.
pub const FLOOR_STATE: &str = "retention-floor";

/// The floor that `archive` keeps; [`Bound::MIN`] if none was ever set.
pub(crate) async fn load(archive: &dyn Archive) -> Result<Bound, ArchiveError> {
    let state = archive.state(FLOOR_STATE).await?;
    Ok(state.map_or(Bound::MIN, |bytes| decode(&bytes)))
}

/// Keeps `floor` in `archive`.
pub(crate) async fn store(archive: &dyn Archive, floor: &Bound) -> Result<(), ArchiveError> {
    archive.set_state(FLOOR_STATE, Some(encode(floor))).await
}

fn encode(floor: &Bound) -> Vec<u8> {
    match floor {
        Bound::Before(item) => [&item.timestamp.to_be_bytes()[..], &item.id.0].concat(),
        Bound::Infinity => Vec::new(),
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Bound {
    let parts = bytes
        .split_first_chunk::<8>()
        .and_then(|(timestamp, id)| Some((u64::from_be_bytes(*timestamp), id.try_into().ok()?)));
    match parts {
        Some((timestamp, id)) => Bound::Before(Item::new(timestamp, Id(id))),
        None if bytes.is_empty() => Bound::Infinity,
        None => {
            tracing::warn!(
                bytes = bytes.len(),
                "the retention floor is garbled: ignoring it"
            );
            Bound::MIN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_comes_back_as_it_was_stored() {
        let item = Item::new(7, Id([9; 32]));
        for floor in [Bound::MIN, Bound::Before(item), Bound::Infinity] {
            assert_eq!(decode(&encode(&floor)), floor);
        }
        assert_eq!(decode(&[1, 2, 3]), Bound::MIN);
    }
}
