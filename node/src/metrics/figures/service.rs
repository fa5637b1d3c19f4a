//! What peers and clients ask for, and what they are refused.

use std::borrow::Cow;

use crate::metrics::Sources;
use crate::metrics::collector::Figures;
use crate::metrics::families::*;
use crate::net::protocols;
use crate::rates::{Rates, Reason, Service};

pub(super) fn add(figures: &mut Figures, node: &Sources) {
    requests(figures, node);
    limits(figures, node);
}

/// A service as metrics name it: by its protocol where it has one.
fn name(service: Service) -> Cow<'static, str> {
    Cow::Borrowed(match service {
        Service::Store => protocols::STORE,
        Service::Sync => protocols::RECONCILIATION,
        Service::Transfer => protocols::TRANSFER,
        Service::Metadata => protocols::METADATA,
        Service::Streams | Service::Rest => service.name(),
    })
}

fn requests(figures: &mut Figures, node: &Sources) {
    let services = || Service::ALL.into_iter();
    let counters = |service| node.limiter.counters(service);
    let states = services().flat_map(|service| {
        [
            (
                vec![name(service), "served".into()],
                counters(service).served.get(),
            ),
            (
                vec![name(service), "rejected".into()],
                counters(service).refused(),
            ),
        ]
    });
    figures.many(SERVICE_REQUESTS, states);
    let refused = services().flat_map(|service| {
        Reason::ALL.map(|reason| {
            let labels = vec![name(service), reason.name().into()];
            (labels, counters(service).refused_for(reason))
        })
    });
    figures.many(SERVICE_REFUSED, refused);
    figures.by(
        SERVICE_PACED,
        services().map(|service| (name(service), counters(service).paced.get())),
    );
    let bytes = services().flat_map(|service| {
        let counters = counters(service);
        let received = counters.received.get() + counters.own_received.get();
        let sent = counters.sent.get() + counters.own_sent.get();
        [
            (vec![name(service), "in".into()], received),
            (vec![name(service), "out".into()], sent),
        ]
    });
    figures.many(SERVICE_BYTES, bytes);
    let answering = [Service::Store, Service::Metadata];
    figures.histograms(
        SERVICE_DURATION,
        answering.map(|service| (vec![name(service)], counters(service).handling.clone())),
    );
}

fn limits(figures: &mut Figures, node: &Sources) {
    let limited = Service::ALL.into_iter().filter_map(|service| {
        let rate = node.limiter.requests(service)?;
        Some((name(service), rate.a_second()))
    });
    figures.by(SERVICE_LIMIT, limited);
    let rates = Service::ALL.into_iter().flat_map(|service| {
        let rates = node.rates.limits.of(service);
        scope(service, "peer", rates.peer)
            .into_iter()
            .chain(scope(service, "all", rates.overall))
    });
    figures.many(SERVICE_RATE_LIMIT, rates);
    figures.one(BANDWIDTH_LIMIT, node.rates.bandwidth.unwrap_or_default());
    figures.one(CONNECTIONS_LIMIT, node.admission.inbound);
}

fn scope(
    service: Service,
    scope: &'static str,
    rates: Rates,
) -> Vec<(Vec<Cow<'static, str>>, f64)> {
    let units = [("requests", rates.requests), ("bytes", rates.bytes)];
    let of_unit = |(unit, rate): (&'static str, Option<crate::rates::Rate>)| {
        let labels = vec![name(service), scope.into(), unit.into()];
        Some((labels, rate?.a_second()))
    };
    units.into_iter().filter_map(of_unit).collect()
}
