//! Absences, and what was fetched for them.

use store_adapter::Gaps;

use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::{RESUME_EVENTS, RESUME_GAPS, RESUME_MESSAGES, RESUME_ONLINE};

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    let Some(resume) = &node.resume else { return };
    let ledger = resume.ledger();
    let gaps = [
        ("open", seconds(&ledger.gaps())),
        ("unconfirmed", seconds(&ledger.unconfirmed())),
    ];
    figures.by(RESUME_GAPS, gaps);
    let online = ledger.last_online().unwrap_or_default();
    figures.one(RESUME_ONLINE, online as f64 / 1e9);
    let counters = resume.counters();
    let events = [
        ("gaps", counters.gaps.get()),
        ("sessions", counters.sessions.get()),
        ("pages", counters.pages.get()),
        ("refused", counters.refused.get()),
        ("rate_limited", counters.rate_limited.get()),
        ("failures", counters.failures.get()),
    ];
    figures.by(RESUME_EVENTS, events);
    figures.one(RESUME_MESSAGES, counters.messages.get());
}

fn seconds(gaps: &Gaps) -> f64 {
    gaps.length() as f64 / 1e9
}
