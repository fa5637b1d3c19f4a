//! How gaps open and close. No clock and no I/O: times are arguments, in nanoseconds since 1970.

use store_adapter::{Gaps, Span};

/// The first byte of what is stored, for formats to come.
const VERSION: u8 = 1;

/// When a node was online, and what it lacks since it wasn't.
///
/// The last time online advances only while the node has a peer that messages can come from. What
/// lies between two times online is a gap, until a peer that holds it has filled it; then it is
/// unconfirmed until another one has looked too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Absences {
    /// When the node was last online; never yet, if `None`.
    pub(super) last_online: Option<u64>,
    /// In which nobody has filled what is missing.
    pub(super) gaps: Gaps,
    /// In which one peer has filled what is missing.
    pub(super) unconfirmed: Gaps,
    /// Which times to fetch if they are missing; not stored, but found again at each start.
    wanted: Gaps,
}

impl Absences {
    /// The node starts at `now`: until it is online, there is a gap already.
    pub(super) fn start(&mut self, now: u64, overlap: u64) {
        if let Some(last) = self.last_online {
            let gap = Span::new(last.saturating_sub(overlap), now);
            self.gaps.insert(gap);
            if gap.is_empty() {
                tracing::warn!(
                    last_online = last,
                    now,
                    "the node was last online in the future: either clock is wrong, and no \
                     messages are fetched for the time between"
                );
            }
        }
        self.forget(Span::new(now, u64::MAX));
    }

    /// The node is online at `now`; gives the gap since it last was, if that is longer than
    /// `longest` nanoseconds.
    pub(super) fn online(&mut self, now: u64, overlap: u64, longest: u64) -> Option<Span> {
        let last = self.last_online.replace(now)?;
        let gap = Span::new(last.saturating_sub(overlap), now);
        if gap.is_empty() {
            tracing::warn!(last_online = last, now, "the clock was put back");
            self.forget(Span::new(now, u64::MAX));
        }
        if gap.is_empty() || now.saturating_sub(last) < longest {
            return None;
        }
        self.gaps.insert(gap);
        Some(gap)
    }

    /// What is missing in `span` is to be fetched.
    pub(super) fn want(&mut self, span: Span) {
        self.wanted.insert(span);
    }

    /// Nothing is or can be missing in `span`.
    pub(super) fn forget(&mut self, span: Span) {
        for spans in [&mut self.gaps, &mut self.unconfirmed] {
            spans.remove(span);
        }
    }

    /// A peer has filled `spans`: what of them was a gap is unconfirmed now.
    pub(super) fn filled(&mut self, spans: &[Span]) {
        for span in spans {
            for gap in self.gaps.within(*span) {
                self.unconfirmed.insert(gap);
            }
            self.gaps.remove(*span);
        }
    }

    /// Another peer has filled `spans`.
    pub(super) fn confirmed(&mut self, spans: &[Span]) {
        for span in spans {
            self.unconfirmed.remove(*span);
        }
    }

    /// The parts of gaps that are to be fetched, in order.
    pub(super) fn to_fill(&self) -> Vec<Span> {
        self.wanted_of(&self.gaps)
    }

    /// The parts of what is unconfirmed that are to be fetched, in order.
    pub(super) fn to_confirm(&self) -> Vec<Span> {
        self.wanted_of(&self.unconfirmed)
    }

    fn wanted_of(&self, spans: &Gaps) -> Vec<Span> {
        let wanted = self.wanted.iter();
        wanted.flat_map(|wanted| spans.within(wanted)).collect()
    }

    /// As it is stored: version, last time online (8 bytes, big-endian), bytes of the gaps (4 bytes,
    /// big-endian), gaps, unconfirmed. `None` for a node that was never online.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let last = self.last_online?;
        let gaps = self.gaps.encode();
        let length = u32::try_from(gaps.len()).ok()?;
        let mut bytes = vec![VERSION];
        bytes.extend(last.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(gaps);
        bytes.extend(self.unconfirmed.encode());
        Some(bytes)
    }

    /// What is stored as these bytes, if they are of the format.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (last, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (gaps, unconfirmed) = rest.split_at_checked(length)?;
        Some(Self {
            last_online: Some(u64::from_be_bytes(*last)),
            gaps: Gaps::decode(gaps)?,
            unconfirmed: Gaps::decode(unconfirmed)?,
            wanted: Gaps::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_online_at(last: u64) -> Absences {
        Absences {
            last_online: Some(last),
            ..Absences::default()
        }
    }

    fn gaps(absences: &Absences) -> Vec<Span> {
        absences.gaps.iter().collect()
    }

    #[test]
    fn a_node_that_was_never_online_lacks_nothing() {
        let mut absences = Absences::default();
        absences.start(1_000, 60);
        assert_eq!(absences.encode(), None);
        assert_eq!(absences.online(1_100, 60, 0), None);
        assert_eq!(gaps(&absences), []);
    }

    #[test]
    fn the_gap_reaches_from_before_the_last_time_online_to_the_first_peer() {
        let mut absences = last_online_at(500);
        absences.start(1_000, 60);
        assert_eq!(gaps(&absences), [Span::new(440, 1_000)], "told at once");
        assert_eq!(absences.online(1_100, 60, 0), Some(Span::new(440, 1_100)));
        assert_eq!(gaps(&absences), [Span::new(440, 1_100)]);
        assert_eq!(absences.online(1_200, 60, 300), None, "it was online");
        assert_eq!(
            absences.online(1_600, 60, 300),
            Some(Span::new(1_140, 1_600))
        );
    }

    #[test]
    fn a_time_in_the_future_opens_no_gap() {
        let mut absences = last_online_at(5_000);
        absences.start(1_000, 60);
        assert_eq!(absences.online(1_001, 60, 0), None);
        assert_eq!(
            (gaps(&absences), absences.last_online),
            (vec![], Some(1_001))
        );
    }

    #[test]
    fn a_clock_that_is_put_back_takes_gaps_in_the_future_with_it() {
        let mut absences = last_online_at(1_000);
        // It is put forward, and later back.
        assert!(absences.online(9_000, 60, 300).is_some());
        absences.filled(&[Span::new(940, 2_000)]);
        assert_eq!(absences.online(1_500, 60, 300), None);
        assert_eq!(gaps(&absences), []);
        assert_eq!(
            absences.unconfirmed.iter().collect::<Vec<_>>(),
            [Span::new(940, 1_500)]
        );
        // Less than the overlap is no step back.
        assert_eq!(absences.online(1_450, 60, 300), None);
        assert_eq!(absences.last_online, Some(1_450));
    }

    #[test]
    fn gaps_are_filled_once_and_confirmed_once() {
        let mut absences = last_online_at(1_000);
        absences.start(2_000, 0);
        absences.filled(&[Span::new(500, 1_200)]);
        assert_eq!(gaps(&absences), [Span::new(1_200, 2_000)]);
        absences.want(Span::new(1_100, 1_500));
        assert_eq!(absences.to_fill(), [Span::new(1_200, 1_500)]);
        assert_eq!(absences.to_confirm(), [Span::new(1_100, 1_200)]);
        absences.confirmed(&[Span::new(0, 1_150)]);
        assert_eq!(absences.to_confirm(), [Span::new(1_150, 1_200)]);
    }

    #[test]
    fn absences_come_back_as_they_were_stored() {
        let mut absences = last_online_at(7);
        absences.gaps.insert(Span::new(1, 4));
        absences.unconfirmed.insert(Span::new(5, u64::MAX));
        let bytes = absences.encode().unwrap();
        assert_eq!(Absences::decode(&bytes), Some(absences));
        for length in 0..bytes.len() {
            let cut = Absences::decode(&bytes[..length]);
            // Cut between spans, it is shorter and still sound.
            assert!(cut.is_none() || length == bytes.len() - 16, "{length}");
        }
        assert_eq!(Absences::decode(&[2; 40]), None);
    }
}
