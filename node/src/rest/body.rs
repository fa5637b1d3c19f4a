//! The bodies of requests.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::limits::{BODY_BYTES, DRAINED_BYTES};
use super::problem::Problem;

/// A body in JSON, of at most [`BODY_BYTES`].
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let body = read(request.into_body()).await?;
        if body.is_empty() {
            return Err(Problem::bad_request("Missing content body"));
        }
        if !is_json {
            return Err(Problem::bad_request(
                "Wrong Content-Type, expected application/json or text/plain",
            ));
        }
        let value = serde_json::from_slice(&body).map_err(|error| {
            let reason = format!("Invalid content body, could not decode. {error}");
            Problem::bad_request(reason)
        })?;
        Ok(Self(value))
    }
}

/// Whether the body is of a type that nwaku takes for JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let media_type = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    media_type.is_some_and(|media_type| {
        ["application/json", "text/plain"]
            .iter()
            .any(|known| media_type.eq_ignore_ascii_case(known))
    })
}

async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let (mut kept, mut seen) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::bad_request(format!("Invalid content body: it ends early: {error}"))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen > DRAINED_BYTES {
            break;
        }
        if seen > BODY_BYTES {
            kept = Vec::new();
        } else {
            kept.extend_from_slice(&data);
        }
    }
    if seen > BODY_BYTES {
        let reason = format!("Content body too long: expected at most {BODY_BYTES} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    Ok(kept)
}
