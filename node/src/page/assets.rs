//! The files of the page, compiled in.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// What the page may load and do: nothing from elsewhere, and no script or style within the HTML.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// How much of a file's digest its tag has.
const TAG_BYTES: usize = 16;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Each file: its path, its type, and what is in it.
macro_rules! files {
    ($(($path:literal, $file:literal, $kind:ident)),* $(,)?) => {
        const FILES: &[(&str, &str, &str)] =
            &[$(($path, $kind, include_str!(concat!("assets/", $file)))),*];
    };
}

files![
    ("/", "index.html", HTML),
    ("/page/icon.svg", "icon.svg", SVG),
    ("/page/base.css", "base.css", CSS),
    ("/page/parts.css", "parts.css", CSS),
    ("/page/rounds.css", "rounds.css", CSS),
    ("/page/main.js", "main.js", JS),
    ("/page/dom.js", "dom.js", JS),
    ("/page/units.js", "units.js", JS),
    ("/page/feed.js", "feed.js", JS),
    ("/page/theme.js", "theme.js", JS),
    ("/page/health.js", "health.js", JS),
    ("/page/heat.js", "heat.js", JS),
    ("/page/sessions.js", "sessions.js", JS),
    ("/page/rounds.js", "rounds.js", JS),
    ("/page/drawing.js", "drawing.js", JS),
    ("/page/peers.js", "peers.js", JS),
    ("/page/archive.js", "archive.js", JS),
    ("/page/limits.js", "limits.js", JS),
];

/// Serves them.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES
        .iter()
        .fold(Router::new(), |router, &(path, kind, text)| {
            let tag = tag_of(text);
            let answer =
                move |headers: HeaderMap| async move { answer(kind, text, &tag, &headers) };
            router.route(path, get(answer))
        })
}

/// What tells this text from others, in the form of an entity tag.
fn tag_of(text: &str) -> String {
    let digest = Sha256::digest(text);
    format!("\"{}\"", hex::encode(&digest[..TAG_BYTES]))
}

/// Whether a client says that it has what is tagged so.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let told = headers.get_all(IF_NONE_MATCH).into_iter();
    told.filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|one| one.trim())
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn answer(kind: &'static str, text: &'static str, tag: &str, headers: &HeaderMap) -> Response {
    // A program that was replaced has another page, so it is asked for each time.
    let kept = [(CACHE_CONTROL, "no-cache"), (ETAG, tag)];
    if has(headers, tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (kept, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_refer_to_nothing_that_is_not_among_them() {
        let known: Vec<&str> = FILES.iter().map(|file| file.0).collect();
        for (path, _, text) in FILES {
            for (mark, base) in [("src=\"", ""), ("href=\"", ""), ("from \"./", "/page/")] {
                for rest in text.split(mark).skip(1) {
                    let named = rest.split('"').next().unwrap();
                    let named = format!("{base}{named}");
                    assert!(
                        named.starts_with('#') || known.contains(&named.as_str()),
                        "{path} refers to {named}"
                    );
                }
            }
            for foreign in ["http://", "https://", "//cdn"] {
                let own = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!own.contains(foreign), "{path} has {foreign}");
            }
        }
    }

    #[test]
    fn texts_are_never_put_in_as_markup() {
        for (path, kind, text) in FILES {
            if *kind == JS {
                for forbidden in [
                    "innerHTML",
                    "outerHTML",
                    "insertAdjacentHTML",
                    "document.write",
                    "eval(",
                ] {
                    assert!(!text.contains(forbidden), "{path} has {forbidden}");
                }
            }
            if *kind == HTML {
                assert!(
                    !text.contains(" style=") && !text.contains("<style"),
                    "{path}"
                );
            }
        }
    }
}
