//! `bifrons measure` as people run it, and its report in a real browser.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::footage::{Cut, Real, X264, pattern};
use support::{Ran, Room, bifrons, code, write};

const FRAMES: usize = 40;

/// Makes the face warmer and nothing else.
const WARMER: &str =
    "split[all][part];[part]crop=96:120:146:105,colorbalance=rm=0.5:bm=-0.5[warm];[all][warm]overlay=146:105";

/// Footage with sound, a "swap" of it and the identity's clip.
fn films(room: &Room) -> [PathBuf; 3] {
    let footage = Cut::new(Real::Interview, FRAMES);
    let warmer = Cut { filter: WARMER, ..footage.clone() };
    [
        footage.make(room.path("film.mp4")),
        warmer.make(room.path("finished.mp4")),
        Cut { sound: false, ..Cut::new(Real::Webcam, 30) }.make(room.path("alice.mp4")),
    ]
}

fn measure_swap(footage: &Path, result: &Path, identity: &Path) -> Command {
    let mut command = bifrons();
    command.args(["measure", "swap", "--footage"]).arg(footage);
    command.arg("--result").arg(result).arg("--identity").arg(identity);
    command
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the report was written")).expect("it is JSON")
}

/// Chromium, where it is installed.
#[expect(clippy::print_stderr, reason = "says which test was skipped")]
fn chromium() -> Option<Command> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    if found.is_none() {
        eprintln!("skipped: no Chromium here");
    }
    let mut command = Command::new(found?);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]);
    Some(command)
}

#[test]
fn a_measured_film_is_told_written_and_looked_at() {
    let room = Room::new();
    let [footage, result, identity] = films(&room);
    let (json, html) = (room.path("report.json"), room.path("report.html"));
    let mut command = measure_swap(&footage, &result, &identity);
    let ran = Ran::of(command.arg("--write").arg(&json).arg("--html").arg(&html)).expect(code::DONE);
    for text in ["Identity transferred: ", "blinks kept: ", "frames: as in the footage", "sound packets"] {
        assert!(ran.all().contains(text), "`{text}` is not in\n{}", ran.all());
    }

    let report = read_json(&json);
    assert_eq!((&report["schema"], &report["version"]), (&"bifrons.measure.swap".into(), &1.into()));
    assert_eq!(report["frames"].as_array().map(Vec::len), Some(FRAMES));
    assert_eq!(report["coverage"]["not_replaced"], Value::Array(Vec::new()));
    let figure = |name: &str| {
        let figures = report["figures"].as_array().expect("figures");
        let found = figures.iter().find(|figure| figure["name"] == name).expect(name);
        found["value"].as_f64().unwrap_or_else(|| panic!("{name} has no value"))
    };
    // the face is still the filmed one's, in place, as sharp and as steady as it was
    assert!(figure("transfer") < 0.3 && figure("margin_share") < 0.1, "{report}");
    assert!(figure("pose_error_deg") < 2.0 && (0.8..1.2).contains(&figure("sharpness")));

    in_the_browser(&room, &html);
}

/// Clicks into the first plot at frame 25 and reads what the page then shows.
fn in_the_browser(room: &Room, html: &Path) {
    let Some(mut chromium) = chromium() else { return };
    let page = std::fs::read_to_string(html).expect("the page was written");
    let click = format!(
        "<script>
        const canvas = document.querySelector('.plot canvas'), box = canvas.getBoundingClientRect();
        const clientX = box.left + 44 + 25 / {last} * (canvas.clientWidth - 50);
        canvas.dispatchEvent(new MouseEvent('click', {{ clientX, clientY: box.top + 40, bubbles: true }}));
        $('shown').decode().then(() => {{
          const painted = drawn.every(d => d.canvas.getContext('2d').getImageData(60, 0, 200, 80).data.some(v => v));
          document.title = [$('caption').textContent.split(',')[0], $('shown').naturalWidth > 0, painted,
            document.querySelectorAll('.plot').length, document.querySelectorAll('#worst figure').length].join(';');
        }});
        </script></html>",
        last = FRAMES - 1
    );
    let clicked = room.path("clicked.html");
    write(&clicked, page.replace("</html>", &click));
    let output = chromium.arg("--dump-dom").arg(&clicked).output().expect("Chromium starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    let title =
        dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    let told: Vec<&str> = title.split(';').collect();
    let [frame, picture, painted, plots, worst] = told[..] else {
        panic!("the page's script failed: {title:?}\n{}", String::from_utf8_lossy(&output.stderr));
    };
    assert_eq!((frame, picture, painted), ("Frame 25", "true", "true"));
    assert!(plots.parse::<usize>().unwrap() >= 12, "{plots} plots");
    assert!(worst.parse::<usize>().unwrap() >= 5, "{worst} worst frames");
    // nothing is fetched: a page with no address in it but data
    assert!(!page.contains("http://") && !page.contains("https://"));
}

/// Later, silent, tagged otherwise and noisy everywhere: each is told.
#[test]
fn what_is_no_longer_as_filmed_is_caught() {
    let room = Room::new();
    let footage = Cut::new(Real::Interview, 12);
    let codec =
        [X264, &["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]].concat();
    let spoilt =
        Cut { filter: "setpts=1.1*PTS,noise=alls=40:allf=t", sound: false, codec: &codec, ..footage.clone() };
    let (footage, spoilt) = (footage.make(room.path("film.mp4")), spoilt.make(room.path("spoilt.mp4")));
    let json = room.path("report.json");
    Ran::of(measure_swap(&footage, &spoilt, &footage).arg("--write").arg(&json)).expect(code::DONE);
    let report = read_json(&json);
    let checks = report["integrity"].as_array().expect("checks");
    let failed: Vec<_> =
        checks.iter().filter(|check| check["passed"] == false).filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(failed, ["times of frames", "colour tags", "sound packets (MD5)", "pixels outside the face"]);
    let figures = report["figures"].as_array().expect("figures");
    let outside = figures.iter().find(|figure| figure["name"] == "outside_db").expect("outside_db");
    assert!(outside["value"].as_f64().is_some_and(|db| db < 30.0), "{outside}");
}

#[test]
fn what_cannot_be_measured_is_told() {
    let room = Room::new();
    let [footage, result, identity] = films(&room);
    let small = Cut { filter: "scale=180:144", ..Cut::new(Real::Interview, 5) }.make(room.path("small.mp4"));
    let nobody = pattern(room.path("pattern.mp4"), 5);
    let text = room.path("text.mp4");
    write(&text, "not a film");
    let nowhere = room.path("nowhere.mp4");
    let html = room.path("report.html");
    for (films, says) in [
        ([&footage, &nowhere, &identity], "no such file"),
        ([&text, &result, &identity], "not a video"),
        ([&footage, &small, &identity], "180x144, the footage has 360x288"),
        ([&footage, &result, &nobody], "no face of the identity is seen"),
    ] {
        let ran =
            Ran::of(measure_swap(films[0], films[1], films[2]).arg("--html").arg(&html)).expect(code::INPUT);
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains(says), "{says}\n{}", ran.all());
        assert!(!html.exists());
    }
    let empty = room.path("empty");
    std::fs::create_dir(&empty).expect("made");
    for what in ["detect", "identity", "truth"] {
        let ran = Ran::of(bifrons().args(["measure", what]).arg(&empty)).expect(code::INPUT);
        assert!(ran.stderr.contains("empty") && ran.stderr.contains("hint: "), "{}", ran.all());
    }
}

#[test]
fn speed_is_measured_stage_by_stage_and_against_another_program() {
    let room = Room::new();
    let clip = Cut { sound: false, ..Cut::new(Real::Webcam, 24) }.make(room.path("face.mp4"));
    let json = room.path("speed.json");
    let mut command = bifrons();
    command.args(["measure", "speed"]).arg(&clip).args(["--rounds", "1", "--write"]).arg(&json);
    command.args(["--baseline", r#"echo '{"train_images_per_sec": 0.001, "shoes": 3}'"#]);
    let ran = Ran::of(&mut command).expect(code::DONE);
    let report = read_json(&json);
    assert_eq!((&report["schema"], &report["version"]), (&"bifrons.measure.speed".into(), &1.into()));
    let figures = report["figures"].as_object().expect("figures");
    for name in [
        "train_images_per_sec",
        "extract_540_frames_per_sec",
        "extract_1080_frames_per_sec",
        "convert_540_frames_per_sec",
        "convert_1080_frames_per_sec",
        "train_peak_mib",
        "extract_1080_peak_mib",
        "convert_1080_peak_mib",
    ] {
        assert!(figures[name]["ours"]["median"].as_f64().is_some_and(|v| v > 0.1), "{name}: {report}");
        assert!(ran.all().contains(name), "{}", ran.all());
    }
    assert!(figures["train_images_per_sec"]["ratio"]["median"].as_f64().is_some_and(|ratio| ratio > 1000.0));
    assert!(figures["extract_540_frames_per_sec"]["ratio"].is_null() && !figures.contains_key("shoes"));
}
