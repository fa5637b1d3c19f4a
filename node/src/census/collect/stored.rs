//! Counts a node by Store queries, bucket by bucket.

use parking_lot::Mutex;
use sync_core::Id;
use tokio::time::timeout;

use super::asker::Walked;
use super::finding::{Method, Standing, shortened};
use crate::census::limits::{BUCKETS_UNANSWERED, LISTING_DEADLINE};
use crate::census::roll::{Roll, TooMany};

/// How far a node has answered.
#[derive(Default)]
struct Progress {
    answered: usize,
    /// Buckets without an answer, since the last one with.
    in_a_row: usize,
    reason: String,
}

/// Asks node `number` for the hashes of each of so many buckets. `walk` asks for those of one, and gives each to
/// what it is given, which may end it early.
/// A node with more messages than can be held is taken out of the roll again.
pub(super) async fn count(
    number: usize,
    buckets: usize,
    roll: &Mutex<Roll>,
    walk: impl AsyncFn(usize, &mut Take<'_>) -> Result<Walked, TooMany>,
) -> Standing {
    let mut progress = Progress::default();
    let asked = each_bucket(number, buckets, roll, &mut progress, walk);
    match timeout(LISTING_DEADLINE, asked).await {
        Ok(Err(error)) => {
            roll.lock().withdraw(number);
            return Standing::failed(&error);
        }
        Ok(Ok(())) => {}
        Err(_) => progress.reason = format!("it wasn't over after {LISTING_DEADLINE:?}"),
    }
    progress.standing(buckets)
}

/// Takes a hash.
pub(super) type Take<'a> = dyn FnMut(Id) -> Result<(), TooMany> + Send + 'a;

async fn each_bucket(
    number: usize,
    buckets: usize,
    roll: &Mutex<Roll>,
    progress: &mut Progress,
    walk: impl AsyncFn(usize, &mut Take<'_>) -> Result<Walked, TooMany>,
) -> Result<(), TooMany> {
    for bucket in 0..buckets {
        let mut take = |id| roll.lock().holds(number, bucket, id);
        match walk(bucket, &mut take).await? {
            Walked::Complete => {
                roll.lock().answered(number, bucket);
                progress.answered += 1;
                progress.in_a_row = 0;
            }
            Walked::Left(why) => {
                progress.reason = why;
                progress.in_a_row += 1;
            }
        }
        if progress.in_a_row == BUCKETS_UNANSWERED {
            break;
        }
    }
    Ok(())
}

impl Progress {
    fn standing(&self, buckets: usize) -> Standing {
        let reason = shortened(&self.reason);
        match buckets - self.answered {
            0 => Standing::Counted(Method::StoreQueries),
            _ if self.answered == 0 => Standing::Failed(reason),
            unanswered => Standing::Partly { unanswered, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_node_whose_pages_never_end_is_left_and_counted_as_far_as_it_has_answered() {
        let roll = Mutex::new(Roll::new(1, 3, 1_000_000));
        let standing = count(0, 3, &roll, async |bucket, take| {
            for page in 0u32.. {
                let mut id = Id([bucket as u8; 32]);
                id.0[..4].copy_from_slice(&page.to_be_bytes());
                take(id)?;
                if bucket == 0 {
                    break;
                }
                // Before the deadline of a query.
                tokio::time::sleep(std::time::Duration::from_secs(29)).await;
            }
            Ok(Walked::Complete)
        });
        let Standing::Partly { unanswered, reason } = standing.await else {
            panic!("it has answered for one bucket");
        };
        assert_eq!(
            (unanswered, reason.as_str()),
            (2, "it wasn't over after 1800s")
        );
        let rows = roll.lock().rows();
        assert_eq!(rows[0].cells[0].unwrap().messages, 1);
        assert_eq!(rows[1].cells[0], None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_never_answers_is_not_asked_for_ever() {
        let roll = Mutex::new(Roll::new(1, 100, 10));
        let standing = count(0, 100, &roll, async |_, _| {
            std::future::pending::<Result<Walked, TooMany>>().await
        });
        assert!(matches!(standing.await, Standing::Failed(_)));
    }

    #[tokio::test]
    async fn a_node_with_more_messages_than_may_be_fails_and_leaves_room_for_others() {
        let roll = Mutex::new(Roll::new(2, 2, 10));
        let listing = |many: u8| {
            async move |bucket: usize, take: &mut Take<'_>| {
                let ids = (0..many).map(|number| Id([number * 2 + bucket as u8; 32]));
                ids.into_iter()
                    .try_for_each(take)
                    .map(|()| Walked::Complete)
            }
        };
        let Standing::Failed(reason) = count(0, 2, &roll, listing(6)).await else {
            panic!("it holds twelve");
        };
        assert!(reason.contains("more than 10 messages"), "{reason}");
        let counted = Standing::Counted(Method::StoreQueries);
        assert_eq!(count(1, 2, &roll, listing(5)).await, counted);
        let rows = roll.lock().rows();
        assert_eq!((rows[0].messages, rows[1].messages), (5, 5));
        assert_eq!(rows[0].cells[0], None);
    }
}
