//! `/store/v1/counts`: what the archive holds, by hour, shard and content topic.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::{Running, Shared};
use super::parameters::Parameters;
use super::problem::{Always, Problem};
use super::sent;
use crate::cli::time::{TimeArg, now};
use crate::counts::{Bucket, Counts, CountsSpan};

/// The span that is told of unless another is asked for.
const SPAN: Duration = Duration::from_secs(24 * 60 * 60);

const NAMES: [&str; 3] = ["bucket", "since", "until"];

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(counts))
}

/// A query, as its parameters have it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters, which `parse` reads one by one"
)]
struct CountsParams {
    /// How long each bucket is, in whole hours; 1h by default.
    #[param(
        required = false,
        pattern = "^([1-9][0-9]{0,3}h|[1-9][0-9]{0,2}d)?$",
        example = "1h"
    )]
    bucket: String,
    /// Not before this time: nanoseconds since 1970, RFC 3339, or so long ago (-90m, -24h, -30d); -24h by default.
    #[param(
        required = false,
        pattern = "^(now|[0-9]{1,19}|-[0-9]{1,6}(ms|s|m|h|d)|(19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$",
        example = "-24h"
    )]
    since: String,
    /// Before this time, in the same forms; now by default.
    #[param(
        required = false,
        pattern = "^(now|[0-9]{1,19}|-[0-9]{1,6}(ms|s|m|h|d)|(19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$",
        example = "now"
    )]
    until: String,
}

/// How many messages the archive holds, and of how many bytes, by bucket of time, shard and content topic.
///
/// The buckets are those that the times lie in, whole: what lies in the same bucket as `since` or `until` is
/// counted too, and buckets without messages are left out. The 20 content topics with the most messages in the
/// whole span are named. The archive isn't asked for it: the figures are those taken last, and `ageSeconds` tells
/// how long ago that was.
#[utoipa::path(
    get,
    path = "/store/v1/counts",
    tag = "store",
    params(CountsParams),
    responses(
        (status = 200, description = "The counts", body = Counts),
        (status = 400, description = "A parameter can't be understood", body = String, content_type = "text/plain"),
        Always,
    ),
)]
async fn counts(
    node: Running,
    parameters: Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let span = parse(parameters.0, now()).map_err(Problem::bad_request)?;
    let shared = node.shared();
    // Never closed.
    let _turn = shared.counting.acquire().await.ok();
    let counts = node.counts.clone();
    let counts = tokio::task::spawn_blocking(move || counts.read(&span)).await;
    let counts = counts.map_err(|_| Problem::unavailable("The node is ending"))?;
    Ok(sent::json(&counts, &shared.page_bytes))
}

fn parse(parameters: Vec<(String, String)>, now: u64) -> Result<CountsSpan, String> {
    let parameters = Parameters::once(parameters, &NAMES)?;
    let bucket = parameters.text("bucket").map(|text| {
        let bucket = text.parse::<Bucket>();
        bucket.map_err(|error| format!("`bucket`: {error}"))
    });
    let time = |name: &str, default: TimeArg| {
        let time = parameters.text(name).map(|text| {
            let time = text.parse::<TimeArg>();
            time.map_err(|error| format!("`{name}`: {error}"))
        });
        Ok::<u64, String>(time.transpose()?.unwrap_or(default).resolve(now))
    };
    Ok(CountsSpan::new(
        bucket.transpose()?.unwrap_or_default(),
        time("since", TimeArg::Ago(SPAN))?,
        time("until", TimeArg::Ago(Duration::ZERO))?,
    ))
}

#[cfg(test)]
mod tests {
    use store_adapter::counts::HOUR;

    use super::*;

    const NOW: u64 = 100 * HOUR + 5;

    fn parsed(parameters: &[(&str, &str)]) -> Result<(u64, u64, u64), String> {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let span = parse(parameters.collect(), NOW)?;
        let hours = |nanoseconds: u64| nanoseconds / HOUR;
        Ok((
            hours(span.bucket().nanoseconds()),
            hours(span.since()),
            hours(span.until()),
        ))
    }

    #[test]
    fn the_last_day_by_hours_is_told_unless_something_else_is_asked_for() {
        assert_eq!(parsed(&[]), Ok((1, 76, 101)));
        let empty = [("bucket", ""), ("since", ""), ("until", ""), ("x", "y")];
        assert_eq!(parsed(&empty), Ok((1, 76, 101)));
        let asked = [("bucket", "6h"), ("since", "-13h"), ("until", "-1h")];
        assert_eq!(parsed(&asked), Ok((6, 84, 102)));
        let times = [
            ("since", "1970-01-01T10:00:00Z"),
            ("until", "72000000000000"),
        ];
        assert_eq!(parsed(&times), Ok((1, 10, 20)));
        assert_eq!(parsed(&[("since", "now")]), Ok((1, 100, 100)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_was_expected() {
        for (name, value, expected) in [
            ("bucket", "90m", "whole hours"),
            ("bucket", "soon", "6h"),
            ("since", "yesterday", "RFC 3339"),
            ("until", "-2w", "-2h"),
        ] {
            let error = parsed(&[(name, value)]).unwrap_err();
            assert!(
                error.contains(name) && error.contains(value) && error.contains(expected),
                "{error}"
            );
        }
        let twice = parsed(&[("since", "-1h"), ("since", "-2h")]).unwrap_err();
        assert!(twice.contains("`since` once"), "{twice}");
    }
}
