//! What is refused before anything is looked at, and the headers of every answer.
//!
//! - Another `Host` than this machine's names with our port: a page elsewhere whose name was pointed at this machine
//!   (DNS rebinding).
//! - Another `Origin`, or for a change none: a page elsewhere, or of another program on this machine, that sends
//!   requests in the user's name. Browsers say `Sec-Fetch-Site` too; where they do, it must be us.
//! - A change without the header `X-Bifrons`, which no form can send.
//! - Anything without the cookie (`session.rs`), except the page, which holds no data, and the exchange for it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Refusal;
use crate::state::Shared;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];

pub(crate) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let verdict = judge(&shared, request.method(), request.uri().path(), request.headers());
    let mut response = match verdict {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn judge(shared: &Shared, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let forbidden = |why: &str| Err(Refusal::new(StatusCode::FORBIDDEN, why));
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{}", shared.port));
    let Some(host) = text("host").filter(|host| hosts.iter().any(|known| known == host)) else {
        return forbidden("this is not a name of this machine's studio");
    };
    if headers.get_all(header::HOST).iter().count() != 1 {
        return forbidden("more than one Host");
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    match text("origin") {
        Some(origin) if origin != format!("http://{host}") => {
            return forbidden("the request comes from another page");
        }
        None if changes => return forbidden("the request does not say which page it comes from"),
        _ => {}
    }
    let is_api = path.starts_with("/api/");
    if is_api && text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return forbidden("the request comes from another page");
    }
    if changes && text("x-bifrons") != Some("1") {
        return forbidden("the header X-Bifrons is missing");
    }
    if is_api && path != "/api/session" && !shared.keys.admit(headers) {
        let why = "open the link that `bifrons studio` printed";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, why));
    }
    Ok(())
}
