//! What pages are told as it happens: server-sent events, for a bounded number of pages that may each fall
//! behind by a bounded number of events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::Event;
use futures::stream::{Stream, unfold};
use serde::Serialize;
use sync_net::admission::Origin;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::limits::EVENTS_QUEUED;
use super::places::{Full, Place, Places};

/// Tells pages what happens.
#[derive(Debug)]
pub(super) struct Hub {
    told: broadcast::Sender<Told>,
    places: Arc<Places>,
    ended: watch::Sender<bool>,
}

/// An event, made once for all pages.
#[derive(Clone, Debug)]
struct Told {
    name: &'static str,
    data: Arc<str>,
}

/// The event by which a page that fell behind is told that it missed some.
const RELOAD: &str = "reload";

impl Default for Hub {
    fn default() -> Self {
        Self {
            told: broadcast::channel(EVENTS_QUEUED).0,
            places: Arc::default(),
            ended: watch::Sender::new(false),
        }
    }
}

impl Hub {
    /// How many pages listen.
    pub(super) fn listeners(&self) -> usize {
        self.places.taken()
    }

    /// Tells all pages, if any listen.
    pub(super) fn tell(&self, name: &'static str, what: &impl Serialize) {
        if self.listeners() == 0 {
            return;
        }
        let data = serde_json::to_string(what);
        let data = data.expect("invariant: what is told has strings as keys and can't fail");
        let told = Told {
            name,
            data: data.into(),
        };
        // They may have gone meanwhile.
        let _ = self.told.send(told);
    }

    /// Ends what all pages are told.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// What a page of `host` is told from now on, unless too many listen.
    pub(super) fn listen(
        &self,
        host: Origin,
    ) -> Result<impl Stream<Item = Result<Event, Infallible>> + use<>, Full> {
        let place = self.places.take(host)?;
        let listener = Listener {
            told: self.told.subscribe(),
            ended: self.ended.subscribe(),
            _place: place,
        };
        Ok(unfold(listener, |mut listener| async {
            let (name, data) = listener.next().await?;
            Some((Ok(Event::default().event(name).data(data)), listener))
        }))
    }
}

/// A page that listens.
struct Listener {
    told: broadcast::Receiver<Told>,
    ended: watch::Receiver<bool>,
    _place: Place,
}

impl Listener {
    /// The next event: its name, and its data in JSON.
    async fn next(&mut self) -> Option<(&'static str, Arc<str>)> {
        let told = tokio::select! {
            // The hub being gone is an end too.
            _ = self.ended.wait_for(|ended| *ended) => return None,
            told = self.told.recv() => told,
        };
        match told {
            Ok(told) => Some((told.name, told.data)),
            Err(RecvError::Lagged(missed)) => Some((RELOAD, missed.to_string().into())),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::StreamExt;

    use super::*;

    fn host() -> Origin {
        Origin::of_ip(Ipv4Addr::LOCALHOST.into())
    }

    fn text(event: Option<Result<Event, Infallible>>) -> String {
        format!("{:?}", event.unwrap().unwrap())
    }

    #[tokio::test]
    async fn every_page_is_told_what_happens_after_it_came() {
        let hub = Hub::default();
        hub.tell("state", &"before");
        let mut one = Box::pin(hub.listen(host()).unwrap());
        hub.tell("state", &1);
        let mut other = Box::pin(hub.listen(host()).unwrap());
        hub.tell("sessions", &2);
        assert!(text(one.next().await).contains("1"));
        for page in [&mut one, &mut other] {
            let told = text(page.next().await);
            assert!(told.contains("sessions") && told.contains('2'), "{told}");
        }
    }

    #[tokio::test]
    async fn a_page_that_falls_behind_is_told_to_load_anew_and_then_the_latest() {
        let hub = Hub::default();
        let mut slow = Box::pin(hub.listen(host()).unwrap());
        let many = 10 * EVENTS_QUEUED;
        (0..many).for_each(|number| hub.tell("state", &format!("<{number}>")));
        assert!(text(slow.next().await).contains("reload"));
        for number in many - EVENTS_QUEUED..many {
            let told = text(slow.next().await);
            assert!(told.contains(&format!("<{number}>")), "{told}");
        }
        let none = tokio::time::timeout(std::time::Duration::from_millis(20), slow.next()).await;
        none.unwrap_err();
    }

    #[tokio::test]
    async fn the_end_of_the_node_ends_what_pages_are_told() {
        let hub = Hub::default();
        let mut page = Box::pin(hub.listen(host()).unwrap());
        hub.end();
        assert!(page.next().await.is_none());
        let mut late = Box::pin(hub.listen(host()).unwrap());
        assert!(late.next().await.is_none());
    }
}
