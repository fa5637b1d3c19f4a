//! Asks nodes what they hold.
//!
//! First those that speak this project's protocol, one after the other: the first is listed, each other is
//! reconciled with what is known by then. Then the others, all at once, by Store queries, bucket by bucket, since an
//! answer without data has no times. At last every node is asked for what it seems to lack.

mod asker;
mod confirmed;
mod finding;
mod reconciled;
mod session;
mod stored;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use sync_core::{Id, RangeTree};
use tokio::time::timeout;

use self::asker::Asker;
pub(crate) use self::asker::Wanted;
pub(crate) use self::finding::{Finding, Method, Standing};
use self::session::Trouble;
use super::limits::{MESSAGES, NODES_CONFIRMING, RECONCILING_DEADLINE};
use super::roll::Roll;
use super::subject::Subjects;
use crate::net::protocols::{RECONCILE, STORE};
use crate::node::Node;

/// Who holds what, and what is to be said of each node.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) roll: Roll,
    /// One for each node.
    pub(crate) findings: Vec<Finding>,
}

/// Asks the nodes for what is wanted, over the connections of `node`. A node that doesn't answer is no error, nor is
/// one with more messages than can be held beside those of the others.
pub(crate) async fn collect(node: &Node, subjects: &Subjects, wanted: &Wanted) -> Collected {
    let asker = Asker::new(node, wanted);
    let mut findings = asker.reach(subjects).await;
    let buckets = wanted.span.buckets();
    let mut roll = Roll::new(findings.len(), buckets, MESSAGES);
    reconcile_each(&asker, subjects, &mut findings, &mut roll).await;
    let roll = Mutex::new(roll);
    read_stores(&asker, subjects, &mut findings, &roll).await;
    confirm(&asker, subjects, &mut findings, &roll).await;
    Collected {
        roll: roll.into_inner(),
        findings,
    }
}

/// Counts those that speak this project's protocol. One that fails at it may be asked by Store queries still.
async fn reconcile_each(
    asker: &Asker<'_>,
    subjects: &Subjects,
    findings: &mut [Finding],
    roll: &mut Roll,
) {
    let mut known = RangeTree::new();
    for (number, finding) in findings.iter_mut().enumerate() {
        let peer = subjects.as_slice()[number].peer;
        if finding.standing != Standing::Met || !asker.speaks(&peer, RECONCILE) {
            continue;
        }
        let counted = reconciled::count(asker, number, peer, &mut known, roll);
        // Nothing is changed but at its end, so that it may be broken off.
        let counted = timeout(RECONCILING_DEADLINE, counted).await;
        match counted.unwrap_or(Err(Trouble::Deadline(RECONCILING_DEADLINE))) {
            Ok(reconciled) => {
                finding.standing = Standing::Counted(Method::Reconciliation);
                finding.tell(&reconciled.state);
                finding.apart = reconciled.apart;
                reconciled
                    .doubt()
                    .into_iter()
                    .for_each(|doubt| finding.doubt(&doubt));
            }
            Err(Trouble::TooMany(error)) => {
                roll.withdraw(number);
                finding.standing = Standing::failed(&error);
            }
            Err(trouble) => {
                tracing::info!(%peer, %trouble, "counting by reconciliation");
                if !asker.speaks(&peer, STORE) {
                    finding.standing = Standing::failed(&trouble);
                }
            }
        }
    }
}

/// Counts those that weren't by Store queries.
async fn read_stores(
    asker: &Asker<'_>,
    subjects: &Subjects,
    findings: &mut [Finding],
    roll: &Mutex<Roll>,
) {
    let read = findings
        .iter()
        .enumerate()
        .map(|(number, finding)| async move {
            match finding.standing {
                Standing::Met => {
                    let peer = subjects.as_slice()[number].peer;
                    let walk = async |bucket, take: &mut stored::Take<'_>| {
                        let criteria = asker.wanted.bucket(bucket);
                        let walked = asker.walk(peer, criteria, |found| {
                            found.iter().try_for_each(|found| take(found.hash))
                        });
                        walked.await
                    };
                    let buckets = asker.wanted.span.buckets();
                    let counted = stored::count(number, buckets, roll, walk);
                    Some(counted.await)
                }
                _ => None,
            }
        });
    for (finding, standing) in join_all(read).await.into_iter().enumerate() {
        if let Some(standing) = standing {
            findings[finding].standing = standing;
        }
    }
}

/// Asks every node that has answered for what it seems to lack, but for what lies before its floor.
async fn confirm(
    asker: &Asker<'_>,
    subjects: &Subjects,
    findings: &mut [Finding],
    roll: &Mutex<Roll>,
) {
    let asked = findings.iter_mut().enumerate().map(|(number, finding)| {
        let peer = subjects.as_slice()[number].peer;
        let floor = finding.floor.unwrap_or(0);
        let first = asker.wanted.span.first_not_before(floor);
        async move {
            let speaks = asker.speaks(&peer, STORE);
            let present = async |ids: &[Id]| asker.present(peer, ids).await;
            let reason = confirmed::ask(number, first, roll, speaks, present).await;
            reason.into_iter().for_each(|reason| finding.doubt(&reason));
        }
    });
    let asked = stream::iter(asked).buffer_unordered(NODES_CONFIRMING);
    asked.collect::<()>().await;
}
