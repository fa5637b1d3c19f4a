//! What is to be reached, and whether it is.

mod list;

use serde::Serialize;

use crate::text;

pub(crate) use list::targets;

/// What a quantity is, and so how it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Seconds of thread CPU time, or of the clock where it says so.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes for each item.
    BytesAnItem,
    /// Frames.
    Frames,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => text::seconds(value),
            Self::Bytes => text::bytes(value),
            Self::BytesAnItem => format!("{value:.1} B"),
            Self::Frames => text::digits(value),
        }
    }
}

/// By what a target is met.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// What is measured is at most so much.
    Value {
        /// The most that will do.
        must: f64,
        /// What would be better.
        aim: f64,
    },
    /// What is measured, divided by the peer's, is at most so much.
    Ratio {
        /// The most that will do.
        must: f64,
        /// What would be better.
        aim: f64,
    },
    /// The peer's divided by what is measured is at least so much.
    Share {
        /// The least that will do.
        must: f64,
        /// What would be better.
        aim: f64,
    },
}

/// How far a target is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Met {
    /// Not at all.
    No,
    /// As far as it has to be.
    Must,
    /// In full.
    Aim,
}

impl Met {
    /// How tables say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::No => "NO",
            Self::Must => "must",
            Self::Aim => "aim",
        }
    }
}

/// Something to compare with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Peer {
    /// What it is.
    pub(crate) name: String,
    /// What it takes, in the unit of the target.
    pub(crate) value: f64,
    /// Whether it was measured in the same run; else on another machine like this one.
    pub(crate) same_run: bool,
}

/// A target and what was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Target {
    /// What is done.
    pub(crate) work: String,
    /// In what it is measured.
    pub(crate) unit: Unit,
    /// What is to be reached.
    pub(crate) goal: Goal,
    /// What was.
    pub(crate) measured: f64,
    /// The same in the first run after the peer's.
    pub(crate) cold: Option<f64>,
    /// What it is compared with.
    pub(crate) peer: Option<Peer>,
}

impl Target {
    /// What is measured, divided by the peer's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.measured / peer.value)
    }

    /// Whether it is met.
    pub(crate) fn met(&self) -> Met {
        let met = |limit: fn(f64, f64) -> bool, value: f64, must: f64, aim: f64| {
            if limit(value, aim) {
                Met::Aim
            } else if limit(value, must) {
                Met::Must
            } else {
                Met::No
            }
        };
        let ratio = self.ratio().unwrap_or(f64::NAN);
        match self.goal {
            Goal::Value { must, aim } => met(|value, most| value <= most, self.measured, must, aim),
            Goal::Ratio { must, aim } => met(|value, most| value <= most, ratio, must, aim),
            Goal::Share { must, aim } => met(|value, least| value >= least, 1.0 / ratio, must, aim),
        }
    }

    /// A row of [`table`].
    fn cells(&self, judged: bool) -> [String; 8] {
        let show = |value| self.unit.show(value);
        let [must, aim] = match self.goal {
            Goal::Value { must, aim } => [must, aim].map(show),
            Goal::Ratio { must, aim } => [must, aim].map(text::ratio),
            Goal::Share { must, aim } => [must, aim].map(percent),
        };
        let peer = self.peer.as_ref().map_or_else(nothing, |peer| {
            let mark = if peer.same_run { "" } else { "*" };
            format!("{} {}{mark}", show(peer.value), peer.name)
        });
        let ratio = match (self.goal, self.ratio()) {
            (_, None) => nothing(),
            (Goal::Share { .. }, Some(ratio)) => percent(1.0 / ratio),
            (_, Some(ratio)) => text::ratio(ratio),
        };
        [
            self.work.clone(),
            must,
            aim,
            show(self.measured),
            self.cold.map_or_else(nothing, show),
            peer,
            ratio,
            if judged {
                self.met().name().to_owned()
            } else {
                nothing()
            },
        ]
    }
}

fn nothing() -> String {
    "–".to_owned()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// All targets as a table; unless `judged`, it doesn't say which are met.
pub(crate) fn table(targets: &[Target], judged: bool) -> text::Table {
    let mut table = text::Table::new(&[
        "work",
        ">must",
        ">aim",
        ">measured",
        ">cold",
        ">peer",
        ">ratio",
        "met",
    ]);
    for target in targets {
        table.row(target.cells(judged));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(goal: Goal, measured: f64) -> Target {
        Target {
            work: "work".into(),
            unit: Unit::Seconds,
            goal,
            measured,
            cold: None,
            peer: Some(Peer {
                name: "peer".into(),
                value: 2.0,
                same_run: true,
            }),
        }
    }

    #[test]
    fn a_target_is_met_at_its_value_and_missed_past_it() {
        let value = |measured| {
            let goal = Goal::Value {
                must: 1.0,
                aim: 0.5,
            };
            target(goal, measured).met()
        };
        assert_eq!(value(0.5), Met::Aim);
        assert_eq!(value(0.51), Met::Must);
        assert_eq!(value(1.0), Met::Must);
        assert_eq!(value(1.01), Met::No);

        let ratio = |measured| {
            let goal = Goal::Ratio {
                must: 0.25,
                aim: 0.125,
            };
            target(goal, measured).met()
        };
        assert_eq!(ratio(0.25), Met::Aim);
        assert_eq!(ratio(0.5), Met::Must);
        assert_eq!(ratio(0.51), Met::No);

        let share = |measured| {
            let goal = Goal::Share {
                must: 0.5,
                aim: 0.8,
            };
            target(goal, measured).met()
        };
        assert_eq!(share(2.5), Met::Aim);
        assert_eq!(share(4.0), Met::Must);
        assert_eq!(share(4.01), Met::No);
    }

    #[test]
    fn a_ratio_without_a_peer_is_missed() {
        let goal = Goal::Ratio {
            must: 10.0,
            aim: 10.0,
        };
        let alone = Target {
            peer: None,
            ..target(goal, 1.0)
        };
        assert_eq!(alone.met(), Met::No);
    }

    #[test]
    fn rows_show_units_and_ratios() {
        let goal = Goal::Ratio {
            must: 0.25,
            aim: 0.125,
        };
        let text = table(&[target(goal, 0.5)], true).text();
        assert!(
            text.contains("|  1/4 | 1/8 |   500 ms |    – | 2 s peer |   1/4 | must |"),
            "{text}"
        );
    }
}
