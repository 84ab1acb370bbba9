//! What is chosen for a shot: by default nothing changes, everything else changes what it should and nothing more, and a film
//! never mixes settings.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bifrons_net::{DeviceName, device};
use bifrons_project::{ClipId, Decision, Stop, TrackId};
use bifrons_swap::{Adjustments, Preview, Settings, Swap, View};
use serde_json::Value;
use support::film::{Grey, frame_hashes};
use support::two_shots::{CUT, FRAMES, TwoShots};
use support::{Ran, bifrons, code};

/// A frame far from the ends of its shot, and the width of all.
const INSIDE: usize = 30;
const WIDTH_PX: usize = 360;
/// The middle of the face in both shots, `[left, top, width, height]`.
const FACE: [usize; 4] = [140, 90, 80, 90];
/// Squared grey levels: what encoding once more changes, what the mark adds, what other settings change and a new face does.
const ENCODED_AGAIN: f64 = 4.0;
const LEFT_AS_FILMED: f64 = 12.0;
const CHANGED: f64 = 20.0;
const DRAWN_ANEW: f64 = 60.0;

impl TwoShots {
    fn convert(&self, kind: &str, name: &str) -> PathBuf {
        let output = self.room.path(name);
        self.run(&["convert", "--face", "alice", "--onto"], &[&self.footage, Path::new(kind), &output]);
        output
    }

    /// Chooses for the tracks of a shot.
    fn choose(&self, first_frame: usize, settings: &Settings) {
        let visit = self.visit();
        let clip: ClipId = self.clip().id;
        let tracks = visit.index().tracks(clip).expect("tracks");
        let tracks = tracks.iter().filter(|track| (track.first_frame >= CUT) == (first_frame >= CUT));
        let tracks: Vec<TrackId> = tracks.map(|track| TrackId { clip, track: track.track }).collect();
        let settings = Some(settings.to_text());
        visit.index().decide(&Decision::Adjust { tracks, settings }).expect("decided");
    }

    /// The folders of chunks that were begun for a film, one for each plan.
    fn plans(&self, film: &str) -> BTreeSet<PathBuf> {
        let out = std::fs::read_dir(self.project().join("out")).expect("films were begun");
        let of_film = out
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(film)));
        of_film
            .flat_map(|path| {
                std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path())
            })
            .filter(|path| path.is_dir())
            .collect()
    }
}

/// How much of a matte is white, in pixels.
fn area(matte: &Grey, frame: usize) -> f64 {
    matte.frame(frame).iter().map(|&value| f64::from(value) / 255.0).sum()
}

#[test]
fn shots_are_listed_and_chosen_for_in_the_terminal() {
    let film = TwoShots::new();
    let shots = |more: &[&str], exit: i32| {
        let mut command = bifrons();
        command.args(["--json", "shots", "--project"]).arg(film.project()).arg("--of").arg(&film.footage);
        Ran::of(command.args(more)).expect(exit)
    };
    let told = |ran: Ran| -> Vec<(u64, u64, u64, Value)> {
        let events = ran.events();
        let shots = events.iter().filter(|event| event["event"] == "shot");
        let number = |value: &Value| value.as_u64().expect("a number");
        let told = shots.map(|shot| {
            let [settings] = shot["settings"].as_array().expect("settings").as_slice() else {
                panic!("{shot}")
            };
            (
                number(&shot["number"]),
                number(&shot["first_frame"]),
                number(&shot["last_frame"]),
                settings.clone(),
            )
        });
        told.collect()
    };
    let default: Value = serde_json::from_str(&Settings::DEFAULT.to_text()).expect("JSON");
    let (cut, last) = (CUT as u64, FRAMES as u64 - 1);
    let as_filmed = vec![(1, 0, cut - 1, default.clone()), (2, cut, last, default.clone())];
    assert_eq!(told(shots(&[], code::DONE)), as_filmed);

    let mut soft = default.clone();
    (soft["feather"], soft["skip"]) = (0.2.into(), true.into());
    let chosen = told(shots(&["--shot", "2", "--feather", "0.2", "--skip", "true"], code::DONE));
    assert_eq!(chosen, [(2, cut, last, soft.clone())]);
    // what is not typed stays as it was chosen
    soft["skip"] = false.into();
    assert_eq!(told(shots(&["--shot", "2", "--skip", "false"], code::DONE)), [(2, cut, last, soft.clone())]);
    assert_eq!(told(shots(&[], code::DONE)), [as_filmed[0].clone(), (2, cut, last, soft.clone())]);

    for wrong in [
        &["--shot", "3", "--skip", "true"][..],
        &["--replacing", "nobody"],
        &["--shot", "1"],
        &["--grain", "1"],
        &["--all", "--mask-size", "1.2"],
        &["--all", "--feather", "-1"],
    ] {
        let ran = shots(wrong, code::USAGE);
        assert!(ran.stdout.contains("\"error\""), "{}", ran.all());
    }
    assert_eq!(
        told(shots(&[], code::DONE)),
        [as_filmed[0].clone(), (2, cut, last, soft)],
        "nothing was chosen"
    );
    let mut undo = bifrons();
    let undone = Ran::of(undo.args(["faces", "undo", "--project"]).arg(film.project())).expect(code::DONE);
    assert!(undone.stderr.contains("adjust, 1 track"), "{}", undone.all());
    assert_eq!(told(shots(&["--all", "--reset"], code::DONE)), as_filmed);
}

#[test]
fn shots_are_put_on_as_was_chosen_and_films_never_mix_settings() {
    let film = TwoShots::new();
    let shots = film.visit().index().shots(film.clip().id).expect("read");
    assert_eq!(shots, Some(vec![0, CUT]), "the cut was found");

    let [plain, plain_matte] =
        [film.convert("--output", "plain.mp4"), film.convert("--matte", "plain-matte.mp4")];
    // what is said explicitly and is as by default changes not a bit, and is the same plan
    film.choose(0, &Settings::DEFAULT);
    film.choose(CUT, &Settings::DEFAULT);
    let again = film.convert("--output", "plain.mp4");
    assert_eq!(frame_hashes(&again), frame_hashes(&plain));
    assert_eq!(frame_hashes(&film.convert("--output", "other.mp4")), frame_hashes(&plain));

    // half the size in the second shot: a quarter of the area there, and in the first nothing changes
    film.choose(CUT, &Settings { mask_size: 0.5, feather: 0.01, ..Settings::DEFAULT });
    let (before, after) = (Grey::of(&plain_matte), Grey::of(&film.convert("--matte", "small-matte.mp4")));
    for frame in 0..FRAMES {
        let share = area(&after, frame) / area(&before, frame);
        let expected = if frame < CUT { 0.99..1.01 } else { 0.2..0.45 };
        assert!(expected.contains(&share), "frame {frame}: {share:.3} of the mask");
    }
    let [first, second] = [0..CUT, CUT..FRAMES];
    let default = Grey::of(&plain);
    let differences = |other: &Path| {
        let other = Grey::of(other);
        [first.clone(), second.clone()].map(|frames| default.difference(&other, frames, FACE))
    };
    let [before_cut, after_cut] = differences(&film.convert("--output", "small.mp4"));
    assert!(before_cut < ENCODED_AGAIN && after_cut > CHANGED, "{before_cut:.1} {after_cut:.1}");

    // colours of the identity instead of the footage's: another face, the same mask
    film.choose(CUT, &Settings { color_match: 0.0, ..Settings::DEFAULT });
    let [before_cut, after_cut] = differences(&film.convert("--output", "coloured.mp4"));
    assert!(before_cut < ENCODED_AGAIN && after_cut > CHANGED, "{before_cut:.1} {after_cut:.1}");
    let matte = Grey::of(&film.convert("--matte", "coloured-matte.mp4"));
    assert_eq!(matte.frame(INSIDE), before.frame(INSIDE));

    // left as filmed: no mask, nothing but the mark over the footage, and the seal says what was replaced
    film.choose(CUT, &Settings { skip: true, ..Settings::DEFAULT });
    let matte = Grey::of(&film.convert("--matte", "skip-matte.mp4"));
    assert!(area(&matte, INSIDE) < 1.0, "{} pixels", area(&matte, INSIDE));
    assert!((area(&matte, 3) / area(&before, 3) - 1.0).abs() < 0.01);
    let skipped = film.convert("--output", "skip.mp4");
    let verified = Ran::of(bifrons().arg("verify").arg(&skipped)).expect(code::DONE);
    assert!(verified.stdout.contains(&format!("in {CUT} of {FRAMES} frames")), "{}", verified.all());
    let (footage, skipped) = (Grey::of(&film.footage), Grey::of(&skipped));
    let off = footage.difference(&skipped, second, FACE);
    assert!(off < LEFT_AS_FILMED, "{off:.1} off where the face is left as filmed");
    let off = footage.difference(&skipped, first, FACE);
    assert!(off > DRAWN_ANEW, "{off:.1} off where it is replaced");

    // parts of a film that were begun by other settings lie elsewhere
    let part = || {
        let joined = film.room.path("joined.mp4");
        let more = ["--shard", "1/2"].map(Path::new);
        film.run(
            &["convert", "--face", "alice", "--onto"],
            &[&[&film.footage, Path::new("-o"), &joined], &more[..]].concat(),
        );
        film.plans("joined.mp4")
    };
    let first = part();
    assert_eq!((first.len(), part()), (1, first.clone()), "the same settings go on");
    film.choose(CUT, &Settings { detail: 0.5, ..Settings::DEFAULT });
    assert_eq!(part().len(), 2, "other settings, another plan");

    // a veiled film never leaves anybody as filmed, whatever was chosen
    let veiled = || {
        let hidden = film.room.path("hidden.mp4");
        let more = ["--veil", "--shard", "1/1"].map(Path::new);
        let ran = film.run(
            &["convert", "--face", "alice", "--onto"],
            &[&[&film.footage, Path::new("-o"), &hidden], &more[..]].concat(),
        );
        (film.plans("hidden.mp4"), ran)
    };
    film.choose(0, &Settings::DEFAULT);
    film.choose(CUT, &Settings::DEFAULT);
    let (by_default, _) = veiled();
    film.choose(CUT, &Settings { skip: true, mask_size: 0.5, ..Settings::DEFAULT });
    let (plans, ran) = veiled();
    assert_eq!(
        (by_default.len(), plans),
        (1, by_default.clone()),
        "one plan: nothing that was chosen counts"
    );
    assert!(ran.stderr.contains("does not count in a veiled film"), "{}", ran.all());

    looks_like_the_film(&film);
}

/// What the studio shows of a frame is what the film shows of it, but for encoding and mark.
fn looks_like_the_film(film: &TwoShots) {
    let settings = Settings { mask_size: 0.8, grain: 0.0, detail: 0.5, ..Settings::DEFAULT };
    film.choose(CUT, &settings);
    let converted = Grey::of(&film.convert("--matte", "look-matte.mp4"));
    let (visit, clip) = (film.visit(), film.clip());
    let checkpoint = visit.checkpoints().newest().expect("read").checkpoint.expect("it was trained");
    let device = device(DeviceName::Cpu).expect("a processor");
    let none = Adjustments::default();
    let swap = Swap {
        index: visit.index(),
        clip: &clip,
        identity: "alice",
        checkpoint: &checkpoint,
        device: &device,
        over_everything: false,
        adjustments: &none,
    };
    let preview = Preview::open(&swap).expect("opened");
    let mut stills = preview.stills(visit.index(), INSIDE, 1, &Stop::new()).expect("drawn");
    let still = stills.remove(0);
    let (matte, share) = still.view(View::Matte, |_| settings).expect("shown");
    let picture = matte.rgb(matte.whole());
    let shown: Vec<f64> = picture.lumas().iter().map(|luma| f64::from(luma.clamp(0.0, 1.0))).collect();
    let filmed = converted.frame(INSIDE).iter().map(|&value| f64::from(value) / 255.0);
    let apart = shown.iter().zip(filmed).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 0.06, "mattes are {apart:.3} apart");
    let area: f64 = shown.iter().sum::<f64>() / shown.len() as f64;
    assert!((area - share).abs() < 0.002 && share > 0.02, "{area} {share}");
    assert_eq!(picture.width, WIDTH_PX);

    // a first look is of the same frame, less steady
    let first = preview.first_look(visit.index(), still.footage().clone(), &Stop::new()).expect("drawn");
    let first = first.expect("a frame");
    assert!(still.is_steady() && !first.is_steady());
    let (_, share_of_first) = first.view(View::Matte, |_| settings).expect("shown");
    assert!(
        (first.index(), (share_of_first / share - 1.0).abs() < 0.1) == (INSIDE, true),
        "{share_of_first}"
    );

    // by other settings the same still is another picture, and skipping shows the footage
    let result = |settings: Settings| {
        let (frame, _) = still.view(View::Result, |_| settings).expect("shown");
        frame.plane_bytes(0).expect("luma").to_vec()
    };
    let filmed = still.footage().plane_bytes(0).expect("luma").to_vec();
    assert_ne!(result(settings), filmed);
    assert_ne!(result(settings), result(Settings::DEFAULT));
    assert_eq!(result(Settings { skip: true, ..settings }), filmed);
}
