//! Which web pages may use the API.
//!
//! A page of another origin reads answers only if its origin is allowed; and, since browsers send some
//! requests without asking first, what it can change is refused to it unless it is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// The origins that are allowed.
pub(super) struct Origins(Vec<String>);

impl Origins {
    /// Those that match one of `patterns`, which may be several joined by commas.
    pub(super) fn new(patterns: &[String]) -> Self {
        let patterns = patterns.iter().flat_map(|patterns| patterns.split(','));
        let patterns = patterns.map(|pattern| pattern.trim().to_ascii_lowercase());
        Self(patterns.filter(|pattern| !pattern.is_empty()).collect())
    }

    fn allow(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let host = host_of(&origin);
        self.0.iter().any(|pattern| {
            if pattern.contains("://") {
                matches(pattern.as_bytes(), origin.as_bytes())
            } else {
                pattern == "*" || host.is_some_and(|h| matches(pattern.as_bytes(), h.as_bytes()))
            }
        })
    }
}

/// Host and port of an origin of a web page.
fn host_of(origin: &str) -> Option<&str> {
    let of_http = origin.strip_prefix("http://");
    of_http.or_else(|| origin.strip_prefix("https://"))
}

/// Whether `text` is of `pattern`, where `*` stands for any text, and `?` for any character or none.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The ends that the pattern read so far can have in the text.
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for symbol in pattern {
        match symbol {
            b'*' => {
                let first = ends.iter().position(|end| *end).unwrap_or(ends.len());
                ends[first..].fill(true);
            }
            symbol => {
                for end in (0..ends.len()).rev() {
                    let one_more =
                        end > 0 && ends[end - 1] && (*symbol == b'?' || text[end - 1] == *symbol);
                    ends[end] = one_more || (*symbol == b'?' && ends[end]);
                }
            }
        }
    }
    ends[text.len()]
}

/// Refuses what pages of other origins may not do, and tells browsers what they may.
pub(super) async fn check(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return Ok(next.run(request).await);
    };
    let text = origin.to_str().unwrap_or_default();
    if origins.allow(text) {
        let preflight = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = if preflight {
            StatusCode::NO_CONTENT.into_response()
        } else {
            next.run(request).await
        };
        tell(response.headers_mut(), origin);
        return Ok(response);
    }
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if reads || is_own(request.headers(), text) {
        return Ok(next.run(request).await);
    }
    let reason = "Origin not allowed; --rest-allow-origin names those that are";
    Err(Problem::new(StatusCode::FORBIDDEN, reason))
}

/// Whether a page of this server itself asks.
fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.is_some() && host == host_of(origin)
}

fn tell(headers: &mut HeaderMap, origin: HeaderValue) {
    let known = HeaderValue::from_static;
    headers.insert(header::VARY, known("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, known("Content-Type"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        known("GET, POST, DELETE"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_allowed_by_host_or_scheme_with_wildcards() {
        let cases = [
            ("*", "https://any.where", true),
            ("localhost:*", "http://localhost:3000", true),
            ("localhost:*", "https://LOCALHOST:3000", true),
            ("localhost:*", "http://localhost", false),
            ("localhost:?", "http://localhost:", true),
            ("localhost:?", "http://localhost:1", true),
            ("localhost:?", "http://localhost:12", false),
            ("https://*.example.org", "https://a.example.org", true),
            ("https://*.example.org", "http://a.example.org", false),
            ("https://*.example.org", "https://a.example.org.evil", false),
            ("a.example, b.example", "http://b.example", true),
            ("a.example", "null", false),
            ("", "http://a.example", false),
        ];
        for (pattern, origin, expected) in cases {
            let origins = Origins::new(&[pattern.to_owned()]);
            assert_eq!(origins.allow(origin), expected, "{pattern} {origin}");
        }
    }
}
