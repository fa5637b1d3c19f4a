//! `wakustore db predict`: how an archive grows, and how long a policy's bounds last.

use std::process::ExitCode;

use serde::Serialize;
use store_adapter::{ArchiveStats, RetentionPolicy};

use super::hours::{HOUR, Hours, Tally};
use super::time_in_seconds;
use crate::cli::PredictArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::output::say;
use crate::sync::report::{grouped, size};

/// Nanoseconds of a day.
const DAY: f64 = 86_400e9;

/// Hours that are measured at most: seven days, so that every day of the week is among them.
const MEASURED: u64 = 168;

#[derive(Serialize)]
struct Report {
    archive: String,
    messages: u64,
    disk_bytes: u64,
    policy: String,
    /// `null` where less than an hour is held.
    growth: Option<Growth>,
    bounds: Vec<Forecast>,
}

/// What comes in a day.
#[derive(Clone, Copy, Serialize)]
struct Growth {
    /// Hours that this was measured over, the newest.
    hours: u64,
    messages_per_day: f64,
    message_bytes_per_day: f64,
    disk_bytes_per_day: f64,
}

/// What comes of one bound.
#[derive(Serialize)]
struct Forecast {
    bound: &'static str,
    /// Seconds, messages or bytes on disk.
    limit: u64,
    /// When it will be met; in the past if it is met; `null` where nothing comes in.
    met: Option<String>,
    /// Whether it is met now.
    is_met: bool,
    /// Days of history that are left when it is met.
    history_days: Option<f64>,
}

pub(super) async fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let policy = args.store_message_retention_policy;
    let (url, archive) = super::open(&args.archive, &RetentionPolicy::NONE).await?;
    let stats = archive.stats().await?;
    let growth = growth(&stats, &Hours::read(&*archive).await?);
    let report = Report {
        archive: url.to_string(),
        messages: stats.messages,
        disk_bytes: stats.disk_bytes,
        policy: policy.to_string(),
        growth,
        bounds: growth.map_or_else(Vec::new, |growth| forecasts(&policy, &stats, growth, now())),
    };
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        say(in_words(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What comes in a day, by the newest whole hours but the last, which may not be over; on disk as
/// much as all messages take now.
fn growth(stats: &ArchiveStats, hours: &Hours) -> Option<Growth> {
    let (first, last) = (stats.first?.timestamp, stats.last?.timestamp);
    let end = last - last % HOUR;
    let held = (end - (first - first % HOUR).min(end)) / HOUR;
    let measured = held.min(MEASURED);
    if measured == 0 {
        return None;
    }
    let (newer, newest) = (hours.since(end - measured * HOUR), hours.since(end));
    let came = Tally {
        messages: newer.messages - newest.messages,
        bytes: newer.bytes - newest.bytes,
    };
    let per_day = |amount: u64| amount as f64 * 24.0 / measured as f64;
    let on_disk = stats.disk_bytes as f64 / hours.total().bytes.max(1) as f64;
    Some(Growth {
        hours: measured,
        messages_per_day: per_day(came.messages),
        message_bytes_per_day: per_day(came.bytes),
        disk_bytes_per_day: per_day(came.bytes) * on_disk,
    })
}

fn forecasts(
    policy: &RetentionPolicy,
    stats: &ArchiveStats,
    growth: Growth,
    now: u64,
) -> Vec<Forecast> {
    let first = stats.first.map_or(now, |first| first.timestamp);
    let age = now.saturating_sub(first);
    let time = policy.time.map(|time| Forecast {
        bound: "time",
        limit: time / 1_000_000_000,
        met: Some(time_in_seconds(first.saturating_add(time))),
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
            met: known.then(|| time_in_seconds(at as u64)),
            is_met: held >= limit,
            history_days: (per_day > 0.0).then(|| limit as f64 / per_day),
        }
    };
    let capacity = policy
        .capacity
        .map(|limit| filled("capacity", limit, stats.messages, growth.messages_per_day));
    let size = policy
        .size
        .map(|limit| filled("size", limit, stats.disk_bytes, growth.disk_bytes_per_day));
    time.into_iter().chain(capacity).chain(size).collect()
}

fn in_words(report: &Report) -> String {
    let archive = &report.archive;
    if report.messages == 0 {
        return format!("{archive}: empty, so there is nothing to predict from");
    }
    let Some(growth) = &report.growth else {
        return format!(
            "{archive}: {} messages, less than an hour of them: too little to predict from",
            grouped(report.messages)
        );
    };
    let mut text = format!(
        "{archive}: {} messages, {} on disk\ngrows by {} messages a day of {}, {} on disk (by the \
         last {} hours)",
        grouped(report.messages),
        size(report.disk_bytes),
        grouped(growth.messages_per_day as u64),
        size(growth.message_bytes_per_day as u64),
        size(growth.disk_bytes_per_day as u64),
        growth.hours
    );
    for forecast in &report.bounds {
        text.push('\n');
        text.push_str(&sentence(forecast));
    }
    text
}

fn sentence(forecast: &Forecast) -> String {
    let limit = match forecast.bound {
        "time" => format!("time: {} s", grouped(forecast.limit)),
        "capacity" => format!("capacity: {} messages", grouped(forecast.limit)),
        _ => format!("size: {}", size(forecast.limit)),
    };
    let met = match (&forecast.met, forecast.is_met) {
        (_, true) => "met now".to_owned(),
        (Some(met), false) => format!("met at {met}"),
        (None, false) => "never met at this rate".to_owned(),
    };
    match forecast.history_days {
        Some(days) => format!("{limit}, {met}; keeps {days:.1} days of history"),
        None => format!("{limit}, {met}; keeps everything"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sync_core::{Id, Item};

    use super::*;

    /// A thousand messages of 1 kB an hour for so many hours, and few in the hour that has begun; on
    /// disk they take twice that.
    fn held(count: u64) -> (ArchiveStats, Hours) {
        let tally = |messages| Tally {
            messages,
            bytes: messages * 1_000,
        };
        let topic = Arc::<str>::from("/t");
        let hour = |hour: u64, messages| ((hour * HOUR, Arc::clone(&topic)), tally(messages));
        let mut hours: Vec<_> = (0..count).map(|at| hour(at, 1_000)).collect();
        hours.push(hour(count, 5));
        let mut stats = ArchiveStats::default();
        stats.messages = count * 1_000 + 5;
        stats.disk_bytes = stats.messages * 2_000;
        stats.first = Some(Item::new(1, Id::ZERO));
        stats.last = Some(Item::new(count * HOUR + 1, Id::ZERO));
        (stats, Hours(hours.into_iter().collect()))
    }

    #[test]
    fn growth_is_that_of_the_newest_whole_hours() {
        for (count, measured) in [(1, 1), (10, 10), (168, 168), (500, 168)] {
            let (stats, hours) = held(count);
            let growth = growth(&stats, &hours).unwrap();
            assert_eq!(growth.hours, measured);
            assert_eq!(growth.messages_per_day, 24_000.0);
            assert_eq!(growth.message_bytes_per_day, 24e6);
            assert!((growth.disk_bytes_per_day - 48e6).abs() < 1.0);
        }
        let (stats, hours) = held(0);
        assert!(growth(&stats, &hours).is_none());
        assert!(growth(&ArchiveStats::default(), &Hours::default()).is_none());
    }

    #[test]
    fn a_bound_is_met_when_what_is_left_of_it_has_come_in() {
        let (stats, hours) = held(240);
        let growth = growth(&stats, &hours).unwrap();
        let policy = "time:1728000;capacity:480005;size:1GB".parse().unwrap();
        let now = 240 * HOUR;
        let [time, capacity, size] = &forecasts(&policy, &stats, growth, now)[..] else {
            panic!("three bounds");
        };
        assert_eq!(time.met.as_deref(), Some("1970-01-21T00:00:00Z"));
        assert_eq!((time.is_met, time.history_days), (false, Some(20.0)));
        assert_eq!(capacity.met.as_deref(), Some("1970-01-21T00:00:00Z"));
        assert!((capacity.history_days.unwrap() - 20.0).abs() < 0.01);
        assert!((size.history_days.unwrap() - 22.37).abs() < 0.01);
        assert!(!size.is_met);
        let met = forecasts(&"capacity:5".parse().unwrap(), &stats, growth, now);
        assert!(met[0].is_met);
        assert!(sentence(&met[0]).contains("met now"));
    }

    #[test]
    fn what_never_comes_is_told_as_never() {
        let (stats, hours) = held(240);
        let mut growth = growth(&stats, &hours).unwrap();
        growth.disk_bytes_per_day = 0.0;
        let forecast = forecasts(&"size:1GB".parse().unwrap(), &stats, growth, 0);
        assert_eq!((&forecast[0].met, forecast[0].history_days), (&None, None));
        assert!(sentence(&forecast[0]).contains("never"));
    }
}
