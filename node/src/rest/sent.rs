//! Answers that may be long, which are accounted for until they are sent.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;
use crate::budget::{Budget, Taken};

/// Text that takes of a budget for as long as it is kept to be sent.
struct Kept {
    text: Vec<u8>,
    _taken: Taken,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

/// The answer in JSON, which takes of `budget` until it is sent.
pub(super) fn json(answer: &impl Serialize, budget: &Arc<Budget>) -> Response {
    let text = match serde_json::to_vec(answer) {
        Ok(text) => text,
        Err(error) => {
            let reason = format!("Error building the json respose [{error}]");
            return Problem::failed(reason).into_response();
        }
    };
    let kept = Kept {
        _taken: budget.overdraw(text.len()),
        text,
    };
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, Body::from(Bytes::from_owner(kept))).into_response()
}
