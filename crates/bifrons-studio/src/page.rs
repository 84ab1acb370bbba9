//! The page: files built from `web/`, part of the program.

use axum::http::header;
use axum::response::IntoResponse;

use crate::error::Refusal;

/// Name, type and content.
const FILES: [(&str, &str, &[u8]); 4] = [
    ("index.html", "text/html; charset=utf-8", include_bytes!("../page/index.html")),
    ("studio.js", "text/javascript; charset=utf-8", include_bytes!("../page/studio.js")),
    ("studio.css", "text/css; charset=utf-8", include_bytes!("../page/studio.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("../page/icon.svg")),
];

pub(crate) fn file(name: &str) -> Result<impl IntoResponse + use<>, Refusal> {
    let found = FILES.into_iter().find(|(known, ..)| *known == name);
    let (_, kind, content) = found.ok_or_else(|| Refusal::not_there("page"))?;
    Ok(([(header::CONTENT_TYPE, kind)], content))
}
