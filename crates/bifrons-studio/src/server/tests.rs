//! Every refusal, at the router, without a network.

use axum::body::Body;
use axum::http::{Method, Request, Response};
use bifrons_project::{Project, Silent};
use proptest::prelude::*;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;

const PORT: u16 = 8765;

struct Door {
    folder: TempDir,
    shared: Arc<Shared>,
    app: Router,
    cookie: String,
}

impl Door {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(Project::create(&folder.path().join("film")).unwrap());
        let visit = Visit::open(&folder.path().join("film")).unwrap();
        let keys = Keys::new(PORT).unwrap();
        let cookie = keys.exchange(keys.link().as_str()).unwrap().unwrap();
        let jobs = Jobs::new("/nonexistent".into(), visit.layout().root().to_owned());
        let shared = Arc::new(Shared::new(visit, PORT, keys, jobs));
        let app = router(Arc::clone(&shared), Arc::new(Silent));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { folder, shared, app, cookie }
    }

    /// Asks as our own page would, except for what `change` does.
    fn ask(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Body>,
        change: impl FnOnce(&mut axum::http::HeaderMap),
    ) -> Response<Body> {
        let mut request = Request::builder().method(method.clone()).uri(path).body(body.into()).unwrap();
        let headers = request.headers_mut();
        headers.insert("host", format!("127.0.0.1:{PORT}").parse().unwrap());
        headers.insert("cookie", self.cookie.parse().unwrap());
        if method != Method::GET {
            headers.insert("origin", format!("http://127.0.0.1:{PORT}").parse().unwrap());
            headers.insert("x-bifrons", "1".parse().unwrap());
            headers.insert("content-type", "application/json".parse().unwrap());
        }
        change(headers);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.app.clone().oneshot(request)).unwrap()
    }

    fn get(&self, path: &str) -> u16 {
        self.ask(Method::GET, path, Body::empty(), |_| {}).status().as_u16()
    }

    fn with(&self, method: Method, path: &str, name: &'static str, value: Option<&str>) -> u16 {
        let body = if method == Method::GET { "" } else { "{}" };
        let change = |headers: &mut axum::http::HeaderMap| match value {
            Some(value) => drop(headers.insert(name, value.parse().unwrap())),
            None => drop(headers.remove(name)),
        };
        self.ask(method, path, body, change).status().as_u16()
    }
}

#[test]
fn our_own_page_is_answered() {
    let door = Door::new();
    for path in ["/", "/studio.js", "/studio.css", "/icon.svg"] {
        assert_eq!(door.get(path), 200, "{path}");
    }
    for path in ["/api/project", "/api/faces", "/api/training", "/api/film"] {
        assert_eq!(door.get(path), 200, "{path}");
    }
    for path in ["/api/undo", "/api/redo"] {
        assert_eq!(door.with(Method::POST, path, "accept", Some("*/*")), 200, "{path}");
    }
    for host in [format!("localhost:{PORT}"), format!("[::1]:{PORT}")] {
        assert_eq!(door.with(Method::GET, "/api/project", "host", Some(&host)), 200, "{host}");
    }
}

#[test]
fn other_hosts_are_refused() {
    let door = Door::new();
    let rebound = format!("evil.example:{PORT}");
    let other = format!("127.0.0.1.evil.example:{PORT}");
    for host in [&rebound[..], &other, "127.0.0.1", "localhost:80", "0.0.0.0:8765", "192.168.1.7:8765", ""] {
        for path in ["/", "/studio.js", "/api/project"] {
            assert_eq!(door.with(Method::GET, path, "host", Some(host)), 403, "{host} {path}");
        }
        assert_eq!(door.with(Method::POST, "/api/undo", "host", Some(host)), 403, "{host}");
    }
    assert_eq!(door.with(Method::GET, "/", "host", None), 403);
    let twice = |headers: &mut axum::http::HeaderMap| {
        headers.append("host", "evil.example".parse().unwrap());
    };
    assert_eq!(door.ask(Method::GET, "/", Body::empty(), twice).status(), 403);
}

#[test]
fn other_origins_are_refused() {
    let door = Door::new();
    for origin in [
        "null",
        "http://evil.example",
        "http://evil.example:8765",
        "https://127.0.0.1:8765",
        "http://127.0.0.1",
        "http://127.0.0.1:3000",
        // ours by another name than the one asked for
        "http://localhost:8765",
        "file://",
    ] {
        assert_eq!(door.with(Method::POST, "/api/undo", "origin", Some(origin)), 403, "{origin}");
        assert_eq!(door.with(Method::POST, "/api/session", "origin", Some(origin)), 403, "{origin}");
        assert_eq!(door.with(Method::GET, "/api/faces", "origin", Some(origin)), 403, "{origin}");
        assert_eq!(door.with(Method::POST, "/api/film/frame", "origin", Some(origin)), 403, "{origin}");
    }
    assert_eq!(door.with(Method::POST, "/api/undo", "origin", None), 403);
    for site in ["cross-site", "same-site"] {
        assert_eq!(door.with(Method::GET, "/api/faces", "sec-fetch-site", Some(site)), 403, "{site}");
        assert_eq!(door.with(Method::POST, "/api/undo", "sec-fetch-site", Some(site)), 403, "{site}");
    }
    assert_eq!(door.with(Method::GET, "/", "sec-fetch-site", Some("cross-site")), 200, "a link to the page");
}

#[test]
fn without_the_cookie_there_is_no_data() {
    let door = Door::new();
    let wrong = format!("bifrons_{PORT}={}", "0".repeat(64));
    for cookie in [None, Some(&wrong[..]), Some(&format!("bifrons_{PORT}="))] {
        for path in ["/api/project", "/api/faces", "/api/faces/1/crop", "/api/events", "/api/nothing"] {
            assert_eq!(door.with(Method::GET, path, "cookie", cookie), 401, "{path}");
        }
        for path in ["/api/film", "/api/film/1/masks"] {
            assert_eq!(door.with(Method::GET, path, "cookie", cookie), 401, "{path}");
        }
        assert_eq!(door.with(Method::POST, "/api/undo", "cookie", cookie), 401);
        assert_eq!(door.with(Method::POST, "/api/film/frame", "cookie", cookie), 401);
        assert_eq!(door.with(Method::GET, "/studio.js", "cookie", cookie), 200);
    }
    // the secret in the query, where it would end up in histories, opens nothing
    let link = format!("/api/project?secret={}", door.shared.keys.link().as_str());
    assert_eq!(door.with(Method::GET, &link, "cookie", None), 401);
}

#[test]
fn a_link_is_exchanged_once() {
    let door = Door::new();
    let secret = door.shared.keys.link();
    let enter = |secret: &str| {
        let body = format!(r#"{{"secret":"{secret}"}}"#);
        door.ask(Method::POST, "/api/session", body, |headers| drop(headers.remove("cookie")))
    };
    assert_eq!(enter("wrong").status(), 401);
    let entered = enter(secret.as_str());
    assert_eq!(entered.status(), 204);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert_eq!(enter(secret.as_str()).status(), 401, "used already");
}

#[test]
fn nothing_is_changed_by_get_and_nothing_without_the_header() {
    let door = Door::new();
    for path in [
        "/api/decisions",
        "/api/undo",
        "/api/redo",
        "/api/job",
        "/api/job/stop",
        "/api/session",
        "/api/faces/1/landmarks",
        "/api/film/frame",
    ] {
        assert_eq!(door.get(path), 405, "{path}");
        assert_eq!(door.with(Method::POST, path, "x-bifrons", None), 403, "{path}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
        assert_eq!(door.with(method, "/api/faces", "accept", None), 405);
    }
    // as a form would send it
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(door.with(Method::POST, "/api/decisions", "content-type", form), 415);
    assert_eq!(door.with(Method::POST, "/api/decisions", "content-type", Some("text/plain")), 415);
}

#[test]
fn bodies_are_limited_and_strict() {
    let door = Door::new();
    let send = |body: String| door.ask(Method::POST, "/api/decisions", body, |_| {}).status().as_u16();
    let many = vec!["1"; 600_000].join(",");
    assert_eq!(send(format!(r#"{{"kind":"reject","faces":[{many}]}}"#)), 413);
    assert_eq!(send(r#"{"kind":"reject","faces":[]}"#.to_owned()), 400);
    assert_eq!(send(r#"{"kind":"reject","faces":[1]}"#.to_owned()), 404, "no such face");
    assert_eq!(send(r#"{"kind":"assign","tracks":[[1,0]],"person":"mallory"}"#.to_owned()), 404);
    for wrong in [
        r#"{"kind":"reject"}"#,
        r#"{"kind":"erase","faces":[1]}"#,
        "[]",
        "{",
        r#"{"kind":"reject","faces":["../x"]}"#,
    ] {
        assert!([400, 422].contains(&send(wrong.to_owned())), "{wrong}");
    }
    for points in ["[]", "[[0,0]]", "[[null,1]]", "\"../x\""] {
        let answer =
            door.ask(Method::POST, "/api/faces/1/landmarks", format!(r#"{{"points":{points}}}"#), |_| {});
        assert!([400, 404, 422].contains(&answer.status().as_u16()), "{points}");
    }
    for minutes in ["0", "-1", "1e999", "null,\"project\":\"/\"", "\"1; rm\""] {
        let body = format!(r#"{{"kind":"train","minutes":{minutes}}}"#);
        let status = door.ask(Method::POST, "/api/job", body, |_| {}).status().as_u16();
        assert!([400, 422].contains(&status), "{minutes}: {status}");
    }
}

#[test]
fn settings_and_films_are_asked_for_strictly() {
    let door = Door::new();
    let send = |path: &str, body: &str| {
        let answer = door.ask(Method::POST, path, body.to_owned(), |_| {});
        let status = answer.status().as_u16();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 1 << 20)).unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    let adjust = |tracks: &str, settings: &str| {
        send("/api/decisions", &format!(r#"{{"kind":"adjust","tracks":{tracks},"settings":{settings}}}"#))
    };
    assert_eq!(adjust("[]", "null").0, 400);
    assert_eq!(adjust("[[1,0]]", "null").0, 404, "no such track");
    let (status, told) = adjust("[[1,0]]", r#"{"mask_size":1.5}"#);
    assert!(status == 400 && told.contains("mask_size is 1.5, and must lie between 0.5 and 1"), "{told}");
    for wrong in [r#"{"mask":1}"#, r#"{"detail":"1"}"#, r#"{"skip":null}"#, "7"] {
        assert!([400, 422].contains(&adjust("[[1,0]]", wrong).0), "{wrong}");
    }

    let frame = |clip: &str, frame: &str, view: &str, more: &str| {
        let body = format!(r#"{{"clip":{clip},"frame":{frame},"view":{view},"close":false{more}}}"#);
        send("/api/film/frame", &body).0
    };
    assert_eq!(frame("1", "0", "\"footage\"", ""), 404, "no such clip");
    assert_eq!(frame("1", "0", "\"result\"", r#","identity":"../../mallory""#), 404);
    for (clip, number, view, more) in [
        ("\"../x\"", "0", "\"footage\"", ""),
        ("1", "-1", "\"footage\"", ""),
        ("1", "1e99", "\"footage\"", ""),
        ("1", "0", "\"/etc/passwd\"", ""),
        ("1", "0", "\"footage\"", r#","path":"/etc/passwd""#),
        ("1", "0", "\"result\"", r#","settings":{"mask_size":"large"}"#),
    ] {
        let status = frame(clip, number, view, more);
        assert!([400, 422].contains(&status), "{clip} {number} {view} {more}: {status}");
    }
    assert_eq!(frame("1", "0", "\"result\"", r#","settings":{"grain":9}"#), 400);

    let job = |body: &str| send("/api/job", body).0;
    for wrong in [
        r#"{"kind":"convert"}"#,
        r#"{"kind":"train","film":{"clip":1,"identity":"a","matte":false}}"#,
        r#"{"kind":"convert","film":{"clip":1,"identity":"a","matte":false,"output":"/x.mp4"}}"#,
        r#"{"kind":"convert","film":{"clip":"/x.mp4","identity":"a","matte":false}}"#,
    ] {
        assert!([400, 422].contains(&job(wrong)), "{wrong}");
    }
    assert_eq!(job(r#"{"kind":"convert","film":{"clip":1,"identity":"--veil","matte":false}}"#), 404);
}

#[test]
fn every_answer_says_what_a_browser_may_do() {
    let door = Door::new();
    for (path, kind) in [("/", "text/html; charset=utf-8"), ("/studio.js", "text/javascript; charset=utf-8")]
    {
        let answer = door.ask(Method::GET, path, Body::empty(), |_| {});
        assert_eq!(answer.headers()["content-type"], kind);
    }
    for path in ["/", "/api/project", "/api/faces/7/crop", "/nothing"] {
        let answer = door.ask(Method::GET, path, Body::empty(), |_| {});
        let told = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = told("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(told("x-content-type-options"), "nosniff");
        assert_eq!(told("referrer-policy"), "no-referrer");
        assert_eq!(told("cache-control"), "no-store", "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[test]
fn the_page_holds_no_script_or_style_of_its_own() {
    let page = include_str!("../../page/index.html");
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onclick"));
    assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"/").count());
    for text in [page, include_str!("../../page/studio.js"), include_str!("../../page/studio.css")] {
        assert!(!text.contains("https://"), "the page asks nobody else");
    }
}

const CANARY: &str = "canary.txt";

#[test]
fn no_path_leads_out() {
    let door = Door::new();
    bifrons_project::atomic::write(&door.folder.path().join(CANARY), b"secret canary").unwrap();
    let out = [
        "..",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "..%00",
        "..;",
        "%252e%252e",
        "..\\",
        "..%5c",
        "....",
        "%c0%ae%c0%ae",
    ];
    for step in out {
        for slash in ["/", "%2f", "%5c", "//"] {
            for start in ["/", "/api/faces/", "/api/faces/1/", "/api/preview/"] {
                refused(&door, &format!("{start}{step}{slash}{CANARY}"));
            }
        }
    }
    let absolute = door.folder.path().join(CANARY);
    for path in [format!("/{}", absolute.display()), format!("/file:{}", absolute.display())] {
        refused(&door, &path);
        refused(&door, &path.replace("//", "/%2f"));
    }
    for id in ["1.5", "0x1", "+1", "1e3", "99999999999999999999", "-1", "%31%00", " 1", "1%2f..", "NaN"] {
        for what in ["", "/crop", "/thumbnail", "/frame"] {
            refused(&door, &format!("/api/faces/{}{what}", id.replace(' ', "%20")));
        }
        refused(&door, &format!("/api/film/{}/masks", id.replace(' ', "%20")));
    }
}

fn refused(door: &Door, path: &str) {
    // what is no address at all is refused by the HTTP library
    if path.parse::<axum::http::Uri>().is_err() {
        return;
    }
    let answer = door.ask(Method::GET, path, Body::empty(), |_| {});
    let status = answer.status().as_u16();
    assert!([400, 404].contains(&status), "{path}: {status}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 1 << 20)).unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("secret canary"), "{path}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_asked_is_answered_calmly(path in "/[a-zA-Z0-9%._~/-]{0,40}") {
        let door = Door::new();
        if path.parse::<axum::http::Uri>().is_ok() {
            let status = door.get(&path);
            prop_assert!(status < 500, "{path}: {status}");
        }
    }
}
