//! Figures on their way to the page.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::histogram::Histogram;

use super::{Family, Kind, Prefix};

/// The values of a metric's labels, in their order.
pub(super) type Labels = Vec<Cow<'static, str>>;

#[derive(Debug)]
enum Samples {
    Numbers(Vec<(Labels, f64)>),
    Histograms(Vec<(Labels, Histogram)>),
}

/// The figures of one moment.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<(Family, Samples)>);

impl Figures {
    /// A metric without labels.
    pub(super) fn one(&mut self, family: Family, value: impl Into<Number>) {
        self.many(family, [(Vec::new(), value)]);
    }

    /// A metric with one label.
    pub(super) fn by<L, V>(&mut self, family: Family, samples: impl IntoIterator<Item = (L, V)>)
    where
        L: Into<Cow<'static, str>>,
        V: Into<Number>,
    {
        let samples = samples.into_iter();
        self.many(
            family,
            samples.map(|(label, value)| (vec![label.into()], value)),
        );
    }

    /// A metric with labels.
    pub(super) fn many<V: Into<Number>>(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let samples = samples.into_iter();
        let numbers = samples.map(|(labels, value)| (labels, value.into().0));
        self.0.push((family, Samples::Numbers(numbers.collect())));
    }

    /// Histograms, each with its labels.
    pub(super) fn histograms(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Labels, Histogram)>,
    ) {
        let samples = samples.into_iter().collect();
        self.0.push((family, Samples::Histograms(samples)));
    }
}

/// A value of a metric.
pub(super) struct Number(f64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        // Beyond 2^53 the last digits go, which no graph shows.
        Self(value as f64)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self(value as f64)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self(f64::from(u8::from(value)))
    }
}

/// Figures under the names that a setting says.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) figures: Figures,
    pub(super) prefix: Prefix,
}

impl Collector for Named {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (family, samples) in &self.figures.0 {
            for name in family.names(self.prefix) {
                encode(&mut encoder, &name, family, samples)?;
            }
        }
        Ok(())
    }
}

fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    family: &Family,
    samples: &Samples,
) -> fmt::Result {
    let kind = family.kind.metric_type();
    let mut metric = encoder.encode_descriptor(name, family.help, None, kind)?;
    match samples {
        Samples::Numbers(numbers) => {
            for (labels, value) in numbers {
                let labels = named(family, labels);
                number(metric.encode_family(&labels)?, family.kind, *value)?;
            }
        }
        Samples::Histograms(histograms) => {
            for (labels, histogram) in histograms {
                let labels = named(family, labels);
                histogram.encode(metric.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}

type NamedLabels<'a> = Vec<(&'static str, &'a str)>;

fn number(mut metric: MetricEncoder<'_>, kind: Kind, value: f64) -> fmt::Result {
    match kind {
        Kind::Counter => metric.encode_counter::<NoLabelSet, _, f64>(&value, None),
        Kind::Gauge | Kind::Histogram => metric.encode_gauge(&value),
    }
}

fn named<'a>(family: &Family, labels: &'a Labels) -> NamedLabels<'a> {
    let values = labels.iter().map(AsRef::as_ref);
    family.labels.iter().copied().zip(values).collect()
}
