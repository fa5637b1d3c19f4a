//! Answers that say why there is no other.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::IntoResponses;

/// Why a request isn't answered as it was meant: a status, and the reason as plain text.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    reason: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }

    /// The request can't be understood.
    pub(crate) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// What it is about isn't there.
    pub(crate) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, reason)
    }

    /// The node couldn't do it.
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }

    /// The node can't do it now.
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// Too many requests came.
    pub(super) fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Request rate limit reached")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "text/plain")];
        (self.status, headers, self.reason).into_response()
    }
}

/// What is answered if there is nothing else to say.
pub(super) fn ok() -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], "OK").into_response()
}

/// What any call may be answered instead.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers that problems make")]
pub(crate) enum Always {
    /// Too many requests
    #[response(status = 429, content_type = "text/plain")]
    TooManyRequests(String),
    /// The node is starting or ending, or can't do it now
    #[response(status = 503, content_type = "text/plain")]
    Unavailable(String),
}

/// What calls with a body may be answered instead.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers that problems make")]
pub(super) enum OfBodies {
    /// The body is too long
    #[response(status = 413, content_type = "text/plain")]
    TooLong(String),
}
