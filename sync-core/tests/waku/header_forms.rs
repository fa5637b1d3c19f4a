//! Sides that don't write topics in the same form.

use sync_core::waku::{Header, HeaderForm, Initiator, Responder};
use sync_core::{Range, Scope, Session, SessionError, SessionLimits, TopicFilter};

use crate::generated::item;
use crate::support::archive::{Archive, Stored};

const HOUR: u64 = 3_600_000_000_000;

/// Two hundred items on each shard, numbered from `first` on.
fn held(cluster: u16, shards: &[u16], begin: u64, first: u64) -> Archive {
    Archive::new(shards.iter().flat_map(|shard| {
        (first..first + 200).map(move |number| Stored {
            item: item(
                begin + number * 1_000_003,
                number + 10_000 * u64::from(*shard) + 1,
            ),
            pubsub: format!("/waku/2/rs/{cluster}/{shard}"),
            content: "/test/1/a/proto".into(),
        })
    }))
}

fn scope(cluster: u16, shards: &[u16], begin: u64) -> Scope {
    let topics = shards
        .iter()
        .map(|shard| format!("/waku/2/rs/{cluster}/{shard}"));
    Scope {
        pubsub_topics: TopicFilter::from_wire(topics),
        ..Scope::of_window(Range::of_times(begin, begin + HOUR))
    }
}

/// Runs a session until one side fails; gives the failure, and that nothing was named before.
fn failure(
    (initiator, responder): (HeaderForm, HeaderForm),
    archives: (Archive, Archive),
    scope: &Scope,
    served: Scope,
) -> SessionError {
    let limits = SessionLimits::default;
    let (left, right) = (Box::new(archives.0), Box::new(archives.1));
    let started = Initiator::start(left, scope.clone(), initiator, limits());
    let (mut initiator, mut frame) = started.unwrap();
    let mut responder = Responder::new(right, served, responder, limits());
    let mut sides: [&mut dyn Session; 2] = [&mut responder, &mut initiator];
    for _ in 0..100 {
        match sides[0].receive(&frame) {
            Err(error) => return error,
            Ok(step) => {
                assert_eq!((step.have, step.need), (vec![], vec![]));
                assert!(!step.done, "a session between two forms ended well");
                frame = step.reply.unwrap();
            }
        }
        sides.reverse();
    }
    panic!("the session goes on for ever");
}

#[test]
fn sides_of_different_forms_fail_and_name_nothing() {
    // Clusters whose numbers read as counts, and shards whose numbers read as letters.
    let shards: [&[u16]; 8] = [
        &[],
        &[0],
        &[0, 7],
        &[0, 1, 2, 3, 4, 5, 6, 7],
        &[47],
        &[47, 50],
        &[97, 98, 99],
        &[200, 1_023],
    ];
    for cluster in [0, 1, 2, 8, 16, 99, 65_535] {
        for named in shards {
            for begin in [0, 1_700_000_000_000_000_000] {
                let all: &[u16] = if named.is_empty() { &[0, 1] } else { named };
                let archives = || (held(cluster, all, begin, 0), held(cluster, all, begin, 20));
                let (wanted, everything) = (scope(cluster, named, begin), scope(cluster, &[], 0));
                let everything = Scope {
                    window: Range::ALL,
                    ..everything
                };
                for served in [wanted.clone(), everything] {
                    let forms = (HeaderForm::Topics, HeaderForm::Cluster(cluster));
                    for forms in [forms, (forms.1, forms.0)] {
                        let error = failure(forms, archives(), &wanted, served.clone());
                        let case = format!("{forms:?} {named:?} {begin}: {error}");
                        assert!(error.to_string().contains("set both to the same"), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_topic_with_an_odd_name_is_no_list_of_shards_to_who_names_it_too() {
    let odd = |names: &[&str]| Scope {
        pubsub_topics: TopicFilter::from_wire(names.iter().copied()),
        ..scope(0, &[], 0)
    };
    let archive = |number| {
        Archive::new([Stored {
            item: item(5, number),
            pubsub: "abc".into(),
            content: "/test/1/a/proto".into(),
        }])
    };
    let (form, limits) = (HeaderForm::Topics, SessionLimits::default());
    let source = Box::new(archive(1));
    let (_, first) = Initiator::start(source, odd(&["abc"]), form, limits.clone()).unwrap();
    let named = Box::new(archive(2));
    let mut responder = Responder::new(named, odd(&["abc", "d"]), form, limits);
    assert!(responder.receive(&first).unwrap().reply.is_some());
}

#[test]
fn a_scope_that_the_cluster_form_cant_name_is_said_to_be_at_fault() {
    let limits = SessionLimits::default();
    let form = HeaderForm::Cluster(99);
    let other = scope(98, &[0], 0);
    let start = Initiator::start(Box::new(held(98, &[0], 0, 0)), other.clone(), form, limits);
    let error = start.map(drop).unwrap_err();
    assert!(matches!(error, SessionError::Scope(_)), "{error}");
    assert!(
        error.to_string().contains("no shard of the cluster"),
        "{error}"
    );
    assert_eq!(Header::of_scope(form, &other), Err(error));
}
