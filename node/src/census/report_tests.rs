//! Reports of made-up counts, also for the tests of those who show them.

use libp2p::PeerId;
use sync_core::Id;

use super::*;
use crate::census::collect::Method;
use crate::census::roll::Roll;
use crate::census::span::Span;

const HOUR: u64 = 3_600_000_000_000;

/// Three buckets of nodes on loopback that stand so, each with the ids that it holds, which are of the bucket that is
/// their remainder by 3.
pub(crate) fn report(nodes: &[(Standing, &[u8])]) -> Report {
    let addresses = nodes.iter().enumerate().map(|(number, _)| {
        let peer = PeerId::random();
        let text = format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", 60_000 + number);
        text.parse().unwrap()
    });
    let subjects = Subjects::new(addresses.collect()).unwrap();
    let since = 472_222 * HOUR;
    let wanted = Wanted {
        span: Span::new(since, since + 3 * HOUR, HOUR).unwrap().unwrap(),
        pubsub_topic: None,
        content_topics: vec!["/app/1/<b>chat</b>/proto".into()],
    };
    let mut roll = Roll::new(nodes.len(), 3, 1_000);
    let mut findings = Vec::new();
    for (number, (standing, held)) in nodes.iter().enumerate() {
        for id in *held {
            roll.holds(number, usize::from(*id) % 3, Id([*id; 32]))
                .unwrap();
        }
        match standing {
            Standing::Counted(_) => roll.answered_all(number),
            Standing::Partly { .. } => roll.answered(number, 0),
            _ => {}
        }
        findings.push(Finding {
            standing: standing.clone(),
            agent: "<script>alert(1)</script>".into(),
            oldest: None,
            floor: None,
            apart: false,
            unasked: 0,
            doubt: None,
        });
    }
    Report::new(&subjects, &wanted, &Collected { roll, findings }, 1.5)
}

/// The first node lacks 4, the second 5, and of the third only the first bucket is known.
pub(crate) fn three_nodes() -> Report {
    let counted = Standing::Counted(Method::Reconciliation);
    let partly = Standing::Partly {
        unanswered: 2,
        reason: "</td><img src=x onerror=alert(1)>".into(),
    };
    report(&[
        (counted.clone(), &[1, 2, 3, 5, 6]),
        (counted, &[1, 2, 3, 4, 6]),
        (partly, &[3, 6]),
    ])
}

/// Nobody answers.
pub(crate) fn nobody() -> Report {
    report(&[(Standing::Unreachable("connection refused".into()), &[])])
}

#[test]
fn what_is_missing_is_told_of_nodes_that_have_answered_only() {
    let report = three_nodes();
    assert_eq!((report.messages, report.missing_messages), (6, 2));
    let missing: Vec<_> = report.nodes.iter().map(|node| node.missing).collect();
    assert_eq!(missing, [1, 1, 0]);
    assert_eq!(report.nodes[2].unanswered_buckets, 2);
    assert_eq!(report.buckets[1].nodes[2], None);
    let four = &report.missing[0];
    assert_eq!(four.hash, format!("0x{}", "04".repeat(32)));
    assert_eq!(four.missing_at, ["127.0.0.1:60000"]);
    assert_eq!(four.held_by, ["127.0.0.1:60001"]);
    assert_eq!(four.bucket, report.buckets[1].start);
}

#[test]
fn the_exit_code_tells_first_whether_everybody_has_answered() {
    let counted = || Standing::Counted(Method::StoreQueries);
    assert_eq!(three_nodes().code(), 4);
    assert_eq!(nobody().code(), 4);
    assert_eq!(report(&[(counted(), &[1]), (counted(), &[2])]).code(), 3);
    assert_eq!(report(&[(counted(), &[1]), (counted(), &[1])]).code(), 0);
    let other = Standing::NoProtocol("it speaks neither".into());
    assert_eq!(report(&[(counted(), &[1]), (other, &[])]).code(), 4);
}

#[test]
fn what_a_node_says_of_itself_is_told_beside_its_figures() {
    let mut told = report(&[(Standing::Counted(Method::Reconciliation), &[1])]);
    let node = &mut told.nodes[0];
    assert_eq!(node.remarks(told.since).count(), 0);
    node.nothing_in_common = true;
    node.unasked = 1_234;
    let remarks: Vec<String> = node.remarks(told.since).collect();
    let expected = [
        "says that it has nothing to do with this time or these topics",
        "seems to lack 1,234 messages more than it was asked again for",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn a_node_that_lacks_too_much_to_be_asked_for_differs_unless_all_that_it_was_asked_for_turned_up() {
    let counted = Standing::Counted(Method::StoreQueries);
    let mut told = report(&[(counted.clone(), &[1, 2]), (counted, &[1])]);
    assert_eq!(told.code(), 3);
    told.nodes[1].state = State::Partly;
    told.nodes[1].unasked = 5;
    told.complete = false;
    assert_eq!(told.code(), 3);
    told.equal = true;
    assert_eq!(told.code(), 4);
    told.equal = false;
    told.nodes[0].state = State::Unreachable;
    assert_eq!(told.code(), 4);
}

#[test]
fn a_node_that_lacks_too_much_to_be_asked_for_is_counted_in_part_and_has_answered_all_the_same() {
    let mut finding = Finding {
        standing: Standing::Counted(Method::StoreQueries),
        agent: String::new(),
        oldest: None,
        floor: None,
        apart: false,
        unasked: 5,
        doubt: None,
    };
    let address = format!("/ip4/127.0.0.1/tcp/1/p2p/{}", PeerId::random());
    let subjects = Subjects::new(vec![address.parse().unwrap()]).unwrap();
    let told = |finding: &Finding| {
        let node = NodeReport::new(&subjects.as_slice()[0], finding, &[], 0);
        (node.state, node.has_answered_all())
    };
    assert_eq!(told(&finding), (State::Partly, true));
    finding.doubt = Some("it left".into());
    assert_eq!(told(&finding), (State::Partly, false));
    finding.unasked = 0;
    assert_eq!(told(&finding), (State::Partly, false));
    finding.doubt = None;
    assert_eq!(told(&finding), (State::Counted, true));
}
