//! Lets two speakers of the suite's line protocol reconcile, as the suite does.

use std::collections::BTreeSet;

use sync_core::Id;

/// Somebody who has been given items, and speaks the line protocol.
pub(crate) trait Speaker {
    /// Takes `initiate` or a message; gives the lines of the answer.
    fn ask(&mut self, command: &str) -> Vec<String>;
}

/// What went between two speakers, and what the initiator told.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) have: BTreeSet<Id>,
    pub(crate) need: BTreeSet<Id>,
    /// The messages of the initiator, and those of the responder.
    pub(crate) messages: [Vec<String>; 2],
}

impl Run {
    /// Passes messages on until the initiator is done.
    pub(crate) fn between(initiator: &mut dyn Speaker, responder: &mut dyn Speaker) -> Self {
        let mut run = Self::default();
        let mut lines = initiator.ask("initiate");
        loop {
            let last = lines.pop().unwrap();
            lines.iter().for_each(|line| run.note(line));
            if last == "done" {
                return run;
            }
            let answer = responder.ask(&last);
            assert_eq!(answer.len(), 1, "a responder answers by one line");
            lines = initiator.ask(&answer[0]);
            run.messages[0].push(last);
            run.messages[1].extend(answer);
        }
    }

    /// The longest message of either side, in bytes.
    pub(crate) fn longest(&self) -> [usize; 2] {
        let bytes = |message: &String| (message.len() - "msg,".len()) / 2;
        self.messages
            .each_ref()
            .map(|messages| messages.iter().map(bytes).max().unwrap_or(0))
    }

    fn note(&mut self, line: &str) {
        let (what, id) = line.split_once(',').unwrap();
        let id = Id(hex::decode(id).unwrap().try_into().unwrap());
        let fresh = match what {
            "have" => self.have.insert(id),
            "need" => self.need.insert(id),
            _ => panic!("expected have or need: {line}"),
        };
        assert!(fresh, "{line} is told twice");
    }
}
