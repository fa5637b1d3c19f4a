//! `wakustore db predict`: how an archive grows, and how long a policy's bounds last.

use std::process::ExitCode;

use serde::Serialize;
use store_adapter::{ArchiveStats, RetentionPolicy};

use super::hours::Hours;
use super::time_in_seconds;
use crate::cli::PredictArgs;
use crate::cli::time::now;
use crate::exit::Failure;
use crate::forecast::{self, Held, Tally};
use crate::output::say;
use crate::sync::report::{grouped, size};

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

impl From<forecast::Growth> for Growth {
    fn from(growth: forecast::Growth) -> Self {
        Self {
            hours: growth.hours,
            messages_per_day: growth.messages_per_day,
            message_bytes_per_day: growth.message_bytes_per_day,
            disk_bytes_per_day: growth.disk_bytes_per_day,
        }
    }
}

impl From<forecast::Forecast> for Forecast {
    fn from(forecast: forecast::Forecast) -> Self {
        Self {
            bound: forecast.bound,
            limit: forecast.limit,
            met: forecast.met.map(time_in_seconds),
            is_met: forecast.is_met,
            history_days: forecast.history_days,
        }
    }
}

pub(super) async fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let policy = args.store_message_retention_policy;
    let (url, archive) = super::open(&args.archive, &RetentionPolicy::NONE).await?;
    let stats = archive.stats().await?;
    let hours = Hours::read(&*archive).await?;
    let held = held(&stats, &hours);
    let growth = forecast::growth(&held, |since| hours.since(since));
    let bounds = growth.map(|growth| forecast::forecasts(&policy, &held, growth, now()));
    let report = Report {
        archive: url.to_string(),
        messages: stats.messages,
        disk_bytes: stats.disk_bytes,
        policy: policy.to_string(),
        growth: growth.map(Into::into),
        bounds: bounds.into_iter().flatten().map(Into::into).collect(),
    };
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        say(in_words(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn held(stats: &ArchiveStats, hours: &Hours) -> Held {
    let times = stats.first.zip(stats.last);
    Held {
        total: Tally {
            messages: stats.messages,
            bytes: hours.total().bytes,
        },
        disk_bytes: stats.disk_bytes,
        times: times.map(|(first, last)| (first.timestamp, last.timestamp)),
    }
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
    use super::*;

    #[test]
    fn bounds_are_told_in_words() {
        let forecast = |met, is_met, history_days| Forecast {
            bound: "capacity",
            limit: 5_000,
            met,
            is_met,
            history_days,
        };
        let met = sentence(&forecast(
            Some("1970-01-21T00:00:00Z".into()),
            true,
            Some(2.0),
        ));
        assert_eq!(
            met,
            "capacity: 5,000 messages, met now; keeps 2.0 days of history"
        );
        let later = sentence(&forecast(Some("1970-01-21T00:00:00Z".into()), false, None));
        assert!(later.contains("met at 1970-01-21T00:00:00Z; keeps everything"));
        assert!(sentence(&forecast(None, false, None)).contains("never met"));
    }
}
