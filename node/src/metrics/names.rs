//! What a metric is called, and under which names it is served.

use clap::ValueEnum;
use prometheus_client::metrics::MetricType;

/// Which names metrics have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Prefix {
    /// nwaku's from 0.38 on: `logos_delivery_`
    #[default]
    LogosDelivery,
    /// nwaku's up to 0.37: `waku_`, and reconciliation without a prefix
    Waku,
    /// Each metric under both names
    Both,
}

/// What kind of metric it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It grows from the start of the program; its name on the page ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many observations were up to each bound.
    Histogram,
}

impl Kind {
    /// Its name on the page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    pub(super) const fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
        }
    }
}

/// A metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family {
    /// Its name, without the prefix and without `_total`.
    pub name: &'static str,
    /// What kind of metric it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
    /// Whether its name has a prefix: those of libp2p's and of processes have none.
    pub prefixed: bool,
}

impl Family {
    /// Its names without `_total`, as `prefix` says.
    #[must_use]
    pub fn names(&self, prefix: Prefix) -> Vec<String> {
        if !self.prefixed {
            return vec![self.name.to_owned()];
        }
        match prefix {
            Prefix::LogosDelivery => vec![self.new_name()],
            Prefix::Waku => vec![self.old_name()],
            Prefix::Both => vec![self.new_name(), self.old_name()],
        }
    }

    fn new_name(&self) -> String {
        format!("logos_delivery_{}", self.name)
    }

    /// As nwaku 0.37 has it.
    fn old_name(&self) -> String {
        match self.name {
            name if name.starts_with("reconciliation_") || name.starts_with("total_") => {
                name.to_owned()
            }
            "store_fleet_msg_size_bytes" => "waku_relay_fleet_store_msg_size_bytes".to_owned(),
            "store_fleet_msg_count" => "waku_relay_fleet_store_msg_count".to_owned(),
            name => format!("waku_{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::families;
    use super::*;

    #[test]
    fn old_names_are_those_of_nwaku_0_37() {
        let old = |family: Family| family.names(Prefix::Waku).join(" ");
        assert_eq!(old(families::ARCHIVE_MESSAGES), "waku_archive_messages");
        assert_eq!(
            old(families::RECONCILIATION_ROUNDTRIPS),
            "reconciliation_roundtrips"
        );
        assert_eq!(
            old(families::FLEET_COUNT),
            "waku_relay_fleet_store_msg_count"
        );
        assert_eq!(old(families::LIBP2P_PEERS), "libp2p_peers");
        assert_eq!(families::FLEET_COUNT.names(Prefix::Both).len(), 2);
    }
}
