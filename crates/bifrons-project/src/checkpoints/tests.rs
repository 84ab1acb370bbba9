//! Damage is always noticed and named, and an older good checkpoint is found behind it.

use serde_json::json;

use super::*;

fn save(checkpoints: &Checkpoints, step: u64, loss: f64) -> Checkpoint {
    let model = vec![step as u8; 5000];
    let optimizer: Vec<u8> = (0..3000u32).map(|n| (n * 7) as u8).collect();
    let meta = json!({"preset": "quick", "rng": [u64::MAX, step], "momentum": 0.1 + 0.2});
    let files = [("model.safetensors", model.as_slice()), ("optimizer.safetensors", optimizer.as_slice())];
    checkpoints.save(&Mark { loss: Some(loss), ..mark(step) }, &files, &meta).unwrap()
}

/// A quarter of an hour a step.
fn mark(step: u64) -> Mark {
    Mark { step, trained_secs: 900.0 * step as f64, loss: None }
}

fn scratch() -> (tempfile::TempDir, Checkpoints) {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path().join("model"));
    (folder, checkpoints)
}

#[test]
fn what_is_saved_is_found_again_to_the_last_bit() {
    let (_folder, checkpoints) = scratch();
    assert!(checkpoints.newest().unwrap().checkpoint.is_none());
    let saved = save(&checkpoints, 12_000, 0.03);
    assert!(saved.dir().ends_with("model/step-00012000"));
    save(&checkpoints, 9, 0.5);
    let newest = checkpoints.newest().unwrap();
    assert!(newest.damaged.is_empty());
    let newest = newest.checkpoint.unwrap();
    assert_eq!(newest, saved);
    assert_eq!(newest.read("model.safetensors").unwrap(), vec![(12_000u64 % 256) as u8; 5000]);
    let meta: serde_json::Value = newest.meta().unwrap();
    assert_eq!(meta["rng"][0], json!(u64::MAX));
    assert_eq!(meta["momentum"].as_f64().unwrap().to_bits(), (0.1f64 + 0.2).to_bits());
    assert!(newest.read("else").unwrap_err().to_string().contains("model.safetensors"));
    assert!(newest.meta::<u32>().is_err());
}

#[test]
fn every_kind_of_damage_is_noticed_and_the_one_before_is_taken() {
    let (_folder, checkpoints) = scratch();
    save(&checkpoints, 1, 0.5);
    let newest = save(&checkpoints, 2, 0.4);
    let mut random = 0x2545_F491_4F6C_DD1Du64;
    let mut next = |below: usize| {
        // xorshift64: any spread of places will do, as long as it is the same every time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let names: Vec<_> = ["model.safetensors", "optimizer.safetensors", MANIFEST, MANIFEST_HASH].into();
    for turn in 0..200 {
        let path = newest.dir().join(names[turn % names.len()]);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        if turn.is_multiple_of(3) {
            bad.truncate(next(good.len()));
        } else {
            bad[next(good.len())] ^= 1 << next(8);
        }
        overwrite(&path, &bad);
        let found = checkpoints.newest().unwrap();
        assert_eq!(found.checkpoint.unwrap().step(), 1, "turn {turn}: {}", path.display());
        assert_eq!(found.damaged.len(), 1);
        assert_eq!(found.damaged[0].path, newest.dir());
        overwrite(&path, &good);
    }
    for name in names {
        let path = newest.dir().join(name);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let found = checkpoints.newest().unwrap();
        assert_eq!(found.checkpoint.unwrap().step(), 1);
        let what = if name == MANIFEST_HASH { MANIFEST_HASH } else { name };
        assert!(found.damaged[0].reason.contains(what), "{}", found.damaged[0].reason);
        overwrite(&path, &good);
    }
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step(), 2);
}

fn overwrite(path: &Path, bytes: &[u8]) {
    atomic::write(path, bytes).unwrap();
}

#[test]
fn a_change_after_opening_is_noticed_too() {
    let (_folder, checkpoints) = scratch();
    let saved = save(&checkpoints, 1, 0.5);
    let opened = Checkpoint::open(saved.dir()).unwrap();
    overwrite(&saved.dir().join("model.safetensors"), &[0; 5000]);
    assert!(matches!(opened.read("model.safetensors"), Err(ProjectError::Damaged { .. })));
}

#[test]
fn a_manifest_cannot_reach_outside_of_its_folder() {
    let (_folder, checkpoints) = scratch();
    let saved = save(&checkpoints, 1, 0.5);
    let text = fs::read_to_string(saved.dir().join(MANIFEST)).unwrap();
    let hostile = text.replace("model.safetensors", "../../secret");
    overwrite(&saved.dir().join(MANIFEST), hostile.as_bytes());
    overwrite(&saved.dir().join(MANIFEST_HASH), hash_line(hostile.as_bytes()).as_bytes());
    let error = Checkpoint::open(saved.dir()).unwrap_err();
    assert!(error.to_string().contains("outside"), "{error}");
    for name in ["../x", "/x", "", ".x", "manifest.json", "a/b", "a\\b"] {
        assert!(checkpoints.save(&mark(2), &[(name, b"")], &()).is_err(), "{name:?}");
    }
}

#[test]
fn another_version_is_an_error_and_not_passed_over() {
    let (_folder, checkpoints) = scratch();
    save(&checkpoints, 1, 0.5);
    let saved = save(&checkpoints, 2, 0.5);
    let text = fs::read_to_string(saved.dir().join(MANIFEST)).unwrap();
    let newer = text.replace("\"format_version\": 1", "\"format_version\": 2, \"new\": 1");
    overwrite(&saved.dir().join(MANIFEST), newer.as_bytes());
    overwrite(&saved.dir().join(MANIFEST_HASH), hash_line(newer.as_bytes()).as_bytes());
    assert!(matches!(checkpoints.newest(), Err(ProjectError::Version { found: 2, .. })));
}

#[test]
fn a_failure_at_any_step_of_saving_leaves_the_one_before() {
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        let (folder, checkpoints) = scratch();
        save(&checkpoints, 1, 0.5);
        let failures = atomic::tests::fail_at_each_step(
            kind,
            || checkpoints.save(&mark(2), &[("model.safetensors", &[3; 100])], &json!({})),
            |error| {
                let found = checkpoints.newest().unwrap();
                assert!(found.damaged.is_empty(), "{:?}", found.damaged);
                assert!([1, 2].contains(&found.checkpoint.unwrap().step()));
                assert_eq!(error.is_disk_full(), kind == io::ErrorKind::StorageFull);
            },
        );
        assert!(failures >= 6, "{failures}");
        assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step(), 2);
        atomic::remove_dir(&checkpoints.dir_of(2)).unwrap();
        // Only when the very last sync failed may the copy that was replaced stay behind.
        let leftovers = fs::read_dir(folder.path().join("model")).unwrap().count() - 1;
        assert!(leftovers <= 1, "{leftovers} leftovers");
    }
}

#[test]
fn a_failure_while_a_step_is_replaced_keeps_the_old_or_has_the_new() {
    let (_folder, checkpoints) = scratch();
    save(&checkpoints, 1, 0.5);
    let failures = atomic::tests::fail_at_each_step(
        io::ErrorKind::Other,
        || checkpoints.save(&mark(1), &[("model.safetensors", &[3; 100])], &json!({})),
        |_| {
            let found = checkpoints.newest().unwrap();
            assert!(found.damaged.is_empty(), "{:?}", found.damaged);
            assert_eq!(found.checkpoint.unwrap().step(), 1);
        },
    );
    assert!(failures >= 7, "{failures}");
}

#[test]
fn saving_a_step_again_replaces_it_also_when_it_was_damaged() {
    let (_folder, checkpoints) = scratch();
    let first = save(&checkpoints, 5, 0.5);
    fs::remove_file(first.dir().join("model.safetensors")).unwrap();
    assert_eq!(checkpoints.newest().unwrap().damaged.len(), 1);
    save(&checkpoints, 5, 0.5);
    let found = checkpoints.newest().unwrap();
    assert_eq!((found.checkpoint.unwrap().step(), found.damaged.len()), (5, 0));
}

#[test]
fn pruning_keeps_the_newest_and_the_best_and_lets_damaged_ones_be() {
    let (_folder, checkpoints) = scratch();
    for (step, loss) in [(1, 0.5), (2, 0.1), (3, 0.4), (4, 0.3), (5, 0.3), (6, 0.2), (7, f64::NAN)] {
        save(&checkpoints, step, loss);
    }
    fs::remove_file(checkpoints.dir_of(3).join("model.safetensors")).unwrap();
    assert_eq!(checkpoints.prune(&NO_HOURS).unwrap(), [1, 4]);
    assert_eq!(checkpoints.steps().unwrap(), [2, 3, 5, 6, 7]);
    assert!(checkpoints.prune(&NO_HOURS).unwrap().is_empty());
}

#[test]
fn one_an_hour_is_kept_while_there_is_room() {
    let (_folder, checkpoints) = scratch();
    for step in 1..=20 {
        save(&checkpoints, step, 20.0 - step as f64);
        checkpoints.prune(&Retention { newest: 2, ..Retention::default() }).unwrap();
    }
    // hours begin with steps 4, 8, 12, 16 and 20; the last two are the newest, the last the best
    assert_eq!(checkpoints.steps().unwrap(), [4, 8, 12, 16, 19, 20]);
    // room for three of 8000 bytes
    assert_eq!(checkpoints.prune(&Retention { newest: 2, hourly_bytes: 24_500 }).unwrap(), [4, 8]);
}

/// Three, and none for the hours.
const NO_HOURS: Retention = Retention { newest: 3, hourly_bytes: 0 };

/// A flipped bit or a cut at 200 places of every file: noticed, named, and the one before is found.
#[test]
fn damage_anywhere_is_refused_and_the_one_before_is_used() {
    let (_folder, checkpoints) = scratch();
    save(&checkpoints, 1, 0.5);
    let newest = save(&checkpoints, 2, 0.4);
    let files: Vec<_> = fs::read_dir(newest.dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4);
    for number in 0..200_usize {
        let path = &files[number % files.len()];
        let whole = fs::read(path).unwrap();
        // places all over the file, the first and the last byte among them
        let at = (number / files.len()) * (whole.len() - 1) / (200 / files.len() - 1);
        let mut damaged = whole.clone();
        if number % 3 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 1 << (number % 8);
        }
        atomic::write(path, &damaged).unwrap();
        let found = checkpoints.newest().unwrap();
        assert_eq!(found.checkpoint.unwrap().step(), 1, "{} at {at}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        let reason = &found.damaged[0].reason;
        // of the manifest and its hash, one does not tell which is right
        assert!(
            reason.contains(name) || name.starts_with("manifest") && reason.contains("manifest"),
            "{reason}"
        );
        atomic::write(path, &whole).unwrap();
    }
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step(), 2);
}

#[test]
fn folders_with_other_names_are_not_checkpoints() {
    let (folder, checkpoints) = scratch();
    save(&checkpoints, 1, 0.5);
    for name in ["step-1", "step-x", "step-00000002.tmp", ".step-00000003.1-2-3.part", "notes"] {
        fs::create_dir_all(folder.path().join("model").join(name)).unwrap();
    }
    assert_eq!(checkpoints.steps().unwrap(), [1]);
}
