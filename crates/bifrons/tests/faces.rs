//! `bifrons faces` as people run it, on a project with wrong faces seeded on purpose.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::seeded::{GOOD, MISALIGNED, NO_FACES, STRANGERS, WRONG, seeded};
use support::{Ran, Room, bifrons, code};

fn faces(project: &Path, arguments: &[&str]) -> Command {
    let mut command = bifrons();
    command.args(["--json", "faces"]).args(arguments).arg("--project").arg(project);
    command
}

fn run(project: &Path, arguments: &[&str]) -> Vec<Value> {
    Ran::of(&mut faces(project, arguments)).expect(code::DONE).events()
}

fn listed(project: &Path, arguments: &[&str]) -> Vec<Value> {
    let events = run(project, &[&["list"], arguments].concat());
    events.into_iter().filter(|event| event["event"] == "face").collect()
}

fn count(project: &Path, arguments: &[&str]) -> usize {
    listed(project, arguments).len()
}

fn says(events: &[Value], text: &str) {
    let told: Vec<_> = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert!(told.iter().any(|told| told.contains(text)), "`{text}` is not in {told:?}");
}

/// How many faces of each person training reads.
fn trained_on(project: &Path) -> Vec<(String, u64)> {
    let mut command = bifrons();
    command.args(["--json", "train", "--iterations", "1", "--project"]).arg(project);
    let events = Ran::of(&mut command).expect(code::DONE).events();
    let totals = events.iter().filter(|event| event["stage"] == "load");
    let mut totals: Vec<(String, u64)> = totals
        .map(|event| (event["item"].as_str().unwrap().to_owned(), event["total"].as_u64().unwrap()))
        .collect();
    totals.dedup();
    totals
}

#[test]
fn what_is_wrong_comes_first_and_what_is_decided_counts() {
    let room = Room::new();
    let (project, of_bob) = seeded(&room);
    wrong_faces_are_on_the_first_page(&project);
    light_and_expression_are_told_and_sorted_by(&project);
    decisions_are_saved_and_taken_back(&project);
    training_follows(&project, of_bob);
    landmarks_are_placed(&project);
    crops_are_exported(&room, &project);
    what_makes_no_sense_is_refused(&room, &project);
}

fn light_and_expression_are_told_and_sorted_by(project: &Path) {
    for (sort, name, sign) in
        [("smile", "smile", -1.0), ("covered", "covered", -1.0), ("light", "light", 1.0)]
    {
        let faces = listed(project, &["--sort", sort]);
        let values: Vec<f64> = faces.iter().filter_map(|face| face["measured"][name].as_f64()).collect();
        assert!(values.len() > faces.len() / 2, "{name}: {} of {}", values.len(), faces.len());
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "{name}: {values:?}");
        assert!(values.windows(2).all(|two| sign * two[0] <= sign * two[1]), "{name}: {values:?}");
    }
    let face = &listed(project, &["--sort", "light-side", "--limit", "1"])[0];
    for name in ["light_side", "mouth_open", "eyes_closed", "brows_up"] {
        assert!(face["measured"][name].is_number(), "{name}: {face}");
    }
}

fn wrong_faces_are_on_the_first_page(project: &Path) {
    let page = listed(project, &["--limit", "24"]);
    let wrong = |face: &Value| {
        let of_track = |track: u64| face["clip"] == 1 && face["track"] == track;
        let frame = face["frame"].as_u64().unwrap() as usize;
        of_track(1) || of_track(2) || (of_track(0) && MISALIGNED.contains(&frame))
    };
    assert_eq!(page.iter().filter(|face| wrong(face)).count(), WRONG, "{page:#?}");
    assert!(page[..WRONG].iter().all(wrong), "nothing good comes before them: {page:#?}");
    for face in page.iter().filter(|face| wrong(face)) {
        let expected = match face["track"].as_u64() {
            Some(1) => "wrong person",
            Some(2) => "not a face",
            _ => "bad alignment",
        };
        assert!(face["suspicions"][expected].as_f64().is_some_and(|strength| strength >= 0.5), "{face}");
    }
    assert_eq!(count(project, &["--reason", "wrong-person"]), STRANGERS);
    assert_eq!(count(project, &["--reason", "not-a-face"]), NO_FACES);
    // what looks alike is one, whoever it is said to be: bob's own clip, and his faces in alice's
    let strangers = listed(project, &["--reason", "wrong-person"]);
    let of_bob = listed(project, &["--person", "bob"]);
    assert!(strangers.iter().all(|face| face["identity"] == of_bob[0]["identity"]), "{strangers:#?}");
}

fn decisions_are_saved_and_taken_back(project: &Path) {
    let rejected = || count(project, &["--verdict", "rejected"]);
    says(&run(project, &["reject", "--reason", "not-a-face"]), &format!("{NO_FACES} faces rejected"));
    says(&run(project, &["reject", "--reason", "bad-alignment", "--verdict", "open"]), "faces rejected");
    let both = rejected();
    assert!(both >= NO_FACES + MISALIGNED.len());
    says(&run(project, &["undo"]), "taken back: reject");
    says(&run(project, &["undo"]), "taken back: reject");
    assert_eq!(rejected(), 0);
    says(&run(project, &["undo"]), "there is no decision to take back");
    says(&run(project, &["redo"]), "made again: reject");
    says(&run(project, &["redo"]), "made again: reject");
    assert_eq!(rejected(), both);
    says(&run(project, &["redo"]), "there is no decision to make again");

    // one track carries everybody who looks alike
    says(
        &run(project, &["assign", "track:1:1", "--to", "bob"]),
        &format!("{STRANGERS} faces of 1 track said to be bob"),
    );
    assert_eq!(count(project, &["--reason", "wrong-person"]), 0);
    let shown = run(project, &["show", &listed(project, &["track:1:1"])[0]["id"].to_string()]);
    says(&shown, "assign to bob, 1 track");
    says(&shown, "alice.mp4");
    // a second extraction leaves what people said
    Ran::of(bifrons().arg("extract").arg("--project").arg(project)).expect(code::DONE);
    assert!(listed(project, &["track:1:1"]).iter().all(|face| face["person"] == "bob"));
    // undoing it leaves room for what the program itself thinks of that track: it is not alice
    run(project, &["undo"]);
    assert!(listed(project, &["track:1:1"]).iter().all(|face| face["person"].is_null()));
    run(project, &["redo"]);
}

fn training_follows(project: &Path, of_bob: usize) {
    let open = count(project, &["--person", "alice", "--verdict", "open"]) as u64;
    assert!(open < GOOD as u64);
    let of_bob = (of_bob + STRANGERS) as u64;
    assert_eq!(trained_on(project), [("alice".to_owned(), open), ("bob".to_owned(), of_bob)]);
}

fn landmarks_are_placed(project: &Path) {
    let good = listed(project, &["--person", "alice", "--verdict", "open", "--sort", "frame"]);
    let [one, next] = [&good[2]["id"], &good[3]["id"]].map(ToString::to_string);
    let crop = || {
        let shown = run(project, &["show", &one]);
        let mut told = shown.iter().filter_map(|event| event["text"].as_str()?.strip_prefix("crop: "));
        std::path::PathBuf::from(told.next_back().unwrap())
    };
    let found = crop();
    run(project, &["place", &one, "--like", &next, "--right", "30", "--turn", "-20", "--scale", "1.5"]);
    let placed = crop();
    assert_ne!(found, placed);
    assert!(std::fs::read(&placed).unwrap() != std::fs::read(&found).unwrap(), "cut out anew");
    // training takes the crop and the landmarks that were placed
    trained_on(project);
    run(project, &["undo"]);
    assert_eq!(crop(), found);
    let far = Ran::of(&mut faces(project, &["place", &one, "--right", "99999"])).expect(code::USAGE);
    assert!(far.all().contains("far outside of the frame"), "{}", far.all());
}

fn crops_are_exported(room: &Room, project: &Path) {
    let folder = room.path("exported");
    let good = count(project, &["--person", "alice", "--verdict", "open"]);
    run(project, &["export", "--person", "alice", "-o", folder.to_str().unwrap()]);
    let listed: Value = serde_json::from_slice(&std::fs::read(folder.join("faces.json")).unwrap()).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), good, "those rejected stay behind");
    for face in listed {
        assert!(folder.join(face["file"].as_str().unwrap()).is_file());
        assert_eq!(face["landmarks"].as_array().map(Vec::len), Some(478));
    }
    let own = project.join("faces/alice");
    Ran::of(&mut faces(project, &["export", "--person", "alice", "-o", own.to_str().unwrap()]))
        .expect(code::USAGE);
}

fn what_makes_no_sense_is_refused(room: &Room, project: &Path) {
    let refused = |arguments: &[&str], exit: i32, says: &str| {
        let ran = Ran::of(&mut faces(project, arguments)).expect(exit);
        assert!(ran.all().contains(says), "{says}\n{}", ran.all());
    };
    refused(&["reject"], code::USAGE, "say which faces");
    refused(&["reject", "99999"], code::INPUT, "no face of the project is like that");
    refused(&["show", "99999"], code::USAGE, "there is no face 99999");
    refused(&["assign", "1", "--to", "mallory"], code::USAGE, "there is no person `mallory`");
    refused(&["assign", "1"], code::USAGE, "--to");
    refused(&["list", "track:1"], code::USAGE, "expected a number");
    refused(&["list", "--sort", "beauty"], code::USAGE, "expected one of suspicion");
    refused(&["list", "--reason", "ugly"], code::USAGE, "expected one of wrong-person");
    let nowhere = room.path("nowhere");
    let ran = Ran::of(bifrons().args(["faces", "list", "--project"]).arg(&nowhere)).expect(code::USAGE);
    assert!(ran.stderr.contains("is not a Bifrons project"), "{}", ran.all());
}
