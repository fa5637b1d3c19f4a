//! How an archive grows, and how long a policy's bounds last: what `db predict` and the page tell.

use store_adapter::RetentionPolicy;
pub(crate) use store_adapter::counts::{HOUR, Tally};

/// Nanoseconds of a day.
const DAY: f64 = 86_400e9;

/// Hours that are measured at most: seven days, so that every day of the week is among them.
pub(crate) const MEASURED: u64 = 168;

/// What an archive holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Held {
    /// All of it.
    pub(crate) total: Tally,
    /// Bytes that it takes on disk.
    pub(crate) disk_bytes: u64,
    /// The times of the oldest and the newest message, nanoseconds since 1970, if there are any.
    pub(crate) times: Option<(u64, u64)>,
}

/// What comes in a day.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Growth {
    /// Hours that this was measured over, the newest.
    pub(crate) hours: u64,
    pub(crate) messages_per_day: f64,
    pub(crate) message_bytes_per_day: f64,
    pub(crate) disk_bytes_per_day: f64,
}

/// What comes of one bound.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Forecast {
    /// `time`, `capacity` or `size`.
    pub(crate) bound: &'static str,
    /// Seconds, messages or bytes on disk.
    pub(crate) limit: u64,
    /// When it will be met, nanoseconds since 1970; in the past if it is met; `None` where nothing comes in.
    pub(crate) met: Option<u64>,
    /// Whether it is met now.
    pub(crate) is_met: bool,
    /// Days of history that are left when it is met.
    pub(crate) history_days: Option<f64>,
}

/// What comes in a day, by the newest whole hours but the last, which may not be over; on disk as
/// much as all messages take now. `since` tells what is held of hours that start at a time or later.
pub(crate) fn growth(held: &Held, since: impl Fn(u64) -> Tally) -> Option<Growth> {
    let (first, last) = held.times?;
    let end = last - last % HOUR;
    let measured = ((end - (first - first % HOUR).min(end)) / HOUR).min(MEASURED);
    if measured == 0 {
        return None;
    }
    let (newer, newest) = (since(end - measured * HOUR), since(end));
    let per_day =
        |newer: u64, newest: u64| newer.saturating_sub(newest) as f64 * 24.0 / measured as f64;
    let bytes = per_day(newer.bytes, newest.bytes);
    let on_disk = held.disk_bytes as f64 / held.total.bytes.max(1) as f64;
    Some(Growth {
        hours: measured,
        messages_per_day: per_day(newer.messages, newest.messages),
        message_bytes_per_day: bytes,
        disk_bytes_per_day: bytes * on_disk,
    })
}

/// What comes of each bound of `policy`, given the time `now` (nanoseconds since 1970).
pub(crate) fn forecasts(
    policy: &RetentionPolicy,
    held: &Held,
    growth: Growth,
    now: u64,
) -> Vec<Forecast> {
    let first = held.times.map_or(now, |(first, _)| first);
    let age = now.saturating_sub(first);
    let time = policy.time.map(|time| Forecast {
        bound: "time",
        limit: time / 1_000_000_000,
        met: Some(first.saturating_add(time)),
        is_met: age >= time,
        history_days: Some(time as f64 / DAY),
    });
    let filled = |bound, limit: u64, held: u64, per_day: f64| {
        let days = limit.saturating_sub(held) as f64 / per_day;
        // Times past what nanoseconds of 64 bits can tell are as good as never.
        let at = now as f64 + days * DAY;
        let known = days.is_finite() && at < u64::MAX as f64;
        Forecast {
            bound,
            limit,
            met: known.then_some(at as u64),
            is_met: held >= limit,
            history_days: (per_day > 0.0).then(|| limit as f64 / per_day),
        }
    };
    let messages = held.total.messages;
    let capacity = policy
        .capacity
        .map(|limit| filled("capacity", limit, messages, growth.messages_per_day));
    let size = policy
        .size
        .map(|limit| filled("size", limit, held.disk_bytes, growth.disk_bytes_per_day));
    time.into_iter().chain(capacity).chain(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand messages of 1 kB an hour for so many hours, and few in the hour that has begun; on
    /// disk they take twice that.
    fn held(count: u64) -> (Held, impl Fn(u64) -> Tally) {
        let tally = |messages| Tally {
            messages,
            bytes: messages * 1_000,
        };
        let total = count * 1_000 + 5;
        let held = Held {
            total: tally(total),
            disk_bytes: total * 2_000,
            times: Some((1, count * HOUR + 1)),
        };
        (held, move |since| tally(total - since / HOUR * 1_000))
    }

    #[test]
    fn growth_is_that_of_the_newest_whole_hours() {
        for (count, measured) in [(1, 1), (10, 10), (168, 168), (500, 168)] {
            let (held, since) = held(count);
            let growth = growth(&held, since).unwrap();
            assert_eq!(growth.hours, measured);
            assert_eq!(growth.messages_per_day, 24_000.0);
            assert_eq!(growth.message_bytes_per_day, 24e6);
            assert!((growth.disk_bytes_per_day - 48e6).abs() < 1.0);
        }
        let (few, since) = held(0);
        assert!(growth(&few, since).is_none());
        assert!(growth(&Held::default(), |_| Tally::default()).is_none());
    }

    #[test]
    fn a_bound_is_met_when_what_is_left_of_it_has_come_in() {
        let (held, since) = held(240);
        let growth = growth(&held, since).unwrap();
        let policy = "time:1728000;capacity:480005;size:1GB".parse().unwrap();
        let now = 240 * HOUR;
        let [time, capacity, size] = &forecasts(&policy, &held, growth, now)[..] else {
            panic!("three bounds");
        };
        let in_ten_days = 480 * HOUR;
        assert_eq!(time.met, Some(in_ten_days + 1));
        assert_eq!((time.is_met, time.history_days), (false, Some(20.0)));
        assert!(capacity.met.unwrap().abs_diff(in_ten_days) < HOUR / 1_000);
        assert!((capacity.history_days.unwrap() - 20.0).abs() < 0.01);
        assert!((size.history_days.unwrap() - 22.37).abs() < 0.01);
        assert!(!size.is_met);
        let met = forecasts(&"capacity:5".parse().unwrap(), &held, growth, now);
        assert!(met[0].is_met);
    }

    #[test]
    fn what_never_comes_is_told_as_never() {
        let (held, since) = held(240);
        let mut growth = growth(&held, since).unwrap();
        growth.disk_bytes_per_day = 0.0;
        let forecast = forecasts(&"size:1GB".parse().unwrap(), &held, growth, 0);
        assert_eq!((forecast[0].met, forecast[0].history_days), (None, None));
    }
}
