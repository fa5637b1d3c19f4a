//! The line protocol of the conformance suite.

use sync_core::Item;

use crate::driver::{Run, Speaker};
use crate::items::{id, true_differences};
use crate::peer::Peer;
use crate::process::{Harness, run};

/// What each of two sides holds.
type Sides = [Vec<Item>; 2];

/// So many items within `times` seconds; of each `shares.iter().sum()` one side alone gets the first
/// share, the other alone the second, and both get the third.
fn sides(seed: u64, count: u64, times: u64, shares: [u64; 3]) -> Sides {
    let mut sides = Sides::default();
    for number in 0..count {
        let id = id(seed + number);
        let word = |at: usize| u64::from_le_bytes(id.0[at..at + 8].try_into().unwrap());
        let item = Item::new(1_677_970_534 + word(0) % times, id);
        let lot = word(8) % shares.iter().sum::<u64>();
        if lot < shares[0] || lot >= shares[0] + shares[1] {
            sides[0].push(item);
        }
        if lot >= shares[0] {
            sides[1].push(item);
        }
    }
    sides
}

/// Ours against ours, and against the crate in both roles: all find the differences, by the messages
/// that the crate exchanges with itself.
fn assert_as_the_crate(sides: &Sides, limits: [usize; 2]) {
    let ours = |side: usize| Box::new(Harness::start(&sides[side], limits[side]));
    let crates = |side: usize| Box::new(Peer::new(&sides[side], limits[side]));
    let pairs: [[Box<dyn Speaker>; 2]; 4] = [
        [crates(0), crates(1)],
        [ours(0), ours(1)],
        [ours(0), crates(1)],
        [crates(0), ours(1)],
    ];
    let (have, need) = true_differences(&sides[0], &sides[1]);
    let mut runs = pairs.into_iter().map(|[mut initiator, mut responder]| {
        let run = Run::between(&mut *initiator, &mut *responder);
        assert!(run.have == have && run.need == need, "limits {limits:?}");
        for (longest, limit) in run.longest().into_iter().zip(limits) {
            assert!(limit == 0 || longest <= limit, "{longest} > {limit}");
        }
        run.messages
    });
    let expected = runs.next().unwrap();
    assert!(runs.all(|messages| messages == expected), "{limits:?}");
}

const LIMITS: [[usize; 2]; 5] = [
    [0, 0],
    [4_096, 4_096],
    [20_000, 20_000],
    [60_000, 60_000],
    [4_096, 60_000],
];

#[test]
fn thousands_of_items_at_many_times_are_reconciled_as_by_the_crate() {
    for (seed, limits) in LIMITS.into_iter().enumerate() {
        let seed = 1_000_000 * seed as u64;
        assert_as_the_crate(&sides(seed, 9_000, 9_000, [1, 1, 98]), limits);
        assert_as_the_crate(&sides(seed, 6_000, 6_000, [1, 1, 5]), limits);
    }
}

#[test]
fn thousands_of_items_at_few_times_are_reconciled_as_by_the_crate() {
    for (seed, limits) in LIMITS.into_iter().enumerate() {
        let seed = 7_000_000 + 1_000_000 * seed as u64;
        assert_as_the_crate(&sides(seed, 6_000, 3, [1, 1, 98]), limits);
        assert_as_the_crate(&sides(seed, 4_000, 1, [1, 1, 5]), limits);
    }
}

#[test]
fn sides_of_which_one_holds_nothing_or_both_the_same_are_reconciled_as_by_the_crate() {
    for limits in LIMITS {
        for shares in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
            assert_as_the_crate(&sides(20, 5_000, 5_000, shares), limits);
        }
    }
}

#[test]
fn two_hundred_thousand_items_are_reconciled_as_by_the_crate() {
    let sides = sides(20_000_000, 200_000, 200_000, [1, 1, 10]);
    assert_as_the_crate(&sides, [0, 0]);
    assert_as_the_crate(&sides, [30_000, 200_000]);
}

#[test]
fn messages_of_megabytes_come_through() {
    let sides = sides(30_000_000, 100_000, 100_000, [0, 1, 0]);
    let mut initiator = Harness::start(&sides[0], 0);
    let mut responder = Harness::start(&sides[1], 0);
    let run = Run::between(&mut initiator, &mut responder);
    assert_eq!((run.have.len(), run.need.len()), (0, 100_000));
    assert!(run.longest()[1] > 3_200_000);
}

#[test]
fn an_unknown_version_is_answered_by_the_known_one_and_then_served() {
    let items = [Item::new(12_345, id(1))];
    let mut harness = Harness::start(&items, 0);
    assert_eq!(harness.ask("msg,62aabbccddeeff"), ["msg,61"]);
    let answer = format!("msg,6100000201{}", items[0].id);
    assert_eq!(harness.ask("msg,6100000200"), [answer]);
}

#[test]
fn a_responder_with_nothing_to_say_answers_all_the_same() {
    let mut harness = Harness::start(&[], 0);
    assert_eq!(harness.ask("msg,61"), ["msg,61"]);
}

#[test]
fn lines_that_are_no_command_end_the_harness_and_are_named() {
    let item = format!("item,5,{}", id(1));
    let cases = [
        ("hello", "line 1: expected item,..., seal, initiate or msg"),
        ("seal\n\nunseal", "line 3: expected item,..., seal"),
        ("item,5", "line 1: expected after item a decimal timestamp"),
        ("item,5,abcd", "line 1: expected after item"),
        ("item,-1,00", "line 1: expected after item"),
        (
            &item.replace(",5,", ",18446744073709551615,"),
            "line 1: expected after item",
        ),
        (&format!("{item}00"), "line 1: expected after item"),
        (
            &format!("seal\n{item}"),
            "line 2: expected initiate or msg after seal",
        ),
        ("seal\nseal", "line 2: expected initiate or msg after seal"),
        ("initiate", "line 1: expected seal before initiate"),
        ("msg,61", "line 1: expected seal before msg"),
        ("seal\ninitiate\ninitiate", "line 3: expected initiate once"),
        ("seal\nmsg,6", "line 2: expected hex digits after msg"),
        ("seal\nmsg,6z", "line 2: expected hex digits after msg"),
        (
            "seal\nmsg",
            "line 2: malformed frame: expected a version byte",
        ),
        (
            "seal\nmsg,61000003",
            "line 2: malformed frame: expected a mode",
        ),
        (
            "seal\ninitiate\nmsg,62",
            "line 3: the peer knows versions up to 0x62",
        ),
    ];
    for (input, expected) in cases {
        let output = run(input, "0");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{input}: {errors}");
        assert!(errors.contains(expected), "{input}: {errors}");
    }
}

#[test]
fn a_frame_limit_is_a_number_that_the_format_allows() {
    for limit in ["4096", "0", ""] {
        assert!(run("seal\ninitiate\n", limit).status.success(), "{limit}");
    }
    for limit in ["4095", "-1", "much"] {
        let output = run("seal\n", limit);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{limit}");
        assert!(errors.contains("expected in FRAMESIZELIMIT"), "{errors}");
    }
}

#[test]
fn windows_line_ends_and_capital_digits_are_taken() {
    let id = id(1).to_string();
    let input = format!("item,5,{}\r\nseal\r\nmsg,6100000200\r\n", id.to_uppercase());
    let output = run(&input, "0");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, format!("msg,6100000201{id}\n"));
}
