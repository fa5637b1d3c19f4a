//! Counts a node by Store queries, bucket by bucket.

use libp2p::PeerId;
use parking_lot::Mutex;

use super::asker::{Asker, Walked};
use super::finding::{Method, Standing, shortened};
use crate::census::limits::BUCKETS_UNANSWERED;
use crate::census::roll::{Roll, TooMany};

/// Asks the node for the hashes of each bucket.
///
/// # Errors
/// When there are more messages than are held.
pub(super) async fn count(
    asker: &Asker<'_>,
    number: usize,
    peer: PeerId,
    roll: &Mutex<Roll>,
) -> Result<Standing, TooMany> {
    let buckets = asker.wanted.span.buckets();
    let (mut answered, mut in_a_row, mut reason) = (0, 0, String::new());
    for bucket in 0..buckets {
        let walk = asker.walk(peer, asker.wanted.bucket(bucket), |found| {
            let mut roll = roll.lock();
            found
                .iter()
                .try_for_each(|found| roll.holds(number, bucket, found.hash))
        });
        match walk.await? {
            Walked::Complete => {
                roll.lock().answered(number, bucket);
                answered += 1;
                in_a_row = 0;
            }
            Walked::Left(why) => {
                reason = why;
                in_a_row += 1;
            }
        }
        if in_a_row == BUCKETS_UNANSWERED {
            break;
        }
    }
    Ok(if answered == buckets {
        Standing::Counted(Method::StoreQueries)
    } else if answered == 0 {
        Standing::Failed(shortened(&reason))
    } else {
        Standing::Partly {
            unanswered: buckets - answered,
            reason: shortened(&reason),
        }
    })
}
