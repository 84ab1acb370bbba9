//! What people write by hand is understood or refused with its place.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, Path::new("p/bifrons.toml"))
}

fn full() -> Config {
    Config {
        format_version: 1,
        preset: "film".into(),
        seed: 7,
        stop: StopRules { minutes: Some(8.0), iterations: Some(20_000), loss: Some(0.02), plateau: true },
        people: vec![
            PersonConfig {
                name: "alice".into(),
                clips: vec!["in/a b.mp4".into(), "/films/\"q\".mov".into()],
                consent: None,
            },
            PersonConfig { name: "Zoë".into(), clips: vec![], consent: None },
        ],
    }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bifrons.toml");
    for config in [Config::default(), full()] {
        config.write(&path).unwrap();
        assert_eq!(Config::read(&path).unwrap(), config);
    }
}

#[test]
fn comments_and_order_survive_a_change_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bifrons.toml");
    let by_hand = "# my film\nseed = 5 # lucky\nformat_version = 1\n\n[stop]\nminutes = 3.5 # coffee\n\n# the lead\n[[people]]\nname = \"alice\"\nclips = [\n  \"a.mp4\", # take one\n]\n";
    atomic::write(&path, by_hand.as_bytes()).unwrap();
    let mut config = Config::read(&path).unwrap();
    config.people[0].clips.push("b.mp4".into());
    config.people.push(PersonConfig { name: "bob".into(), clips: vec!["c.mp4".into()], consent: None });
    config.write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for kept in
        ["# my film", "seed = 5 # lucky", "minutes = 3.5 # coffee", "# the lead", "\"a.mp4\", # take one"]
    {
        assert!(text.contains(kept), "{kept:?} is gone from\n{text}");
    }
    assert_eq!(Config::read(&path).unwrap(), config);
    config.people[0].clips.remove(0);
    config.stop.minutes = None;
    config.write(&path).unwrap();
    assert_eq!(Config::read(&path).unwrap(), config);
}

#[test]
fn mistakes_are_told_with_line_and_column() {
    for (text, line, column, word) in [
        ("format_version = 1\nprest = \"quick\"\n", 2, 1, "prest"),
        ("format_version = 1\nseed = \"x\"\n", 2, 8, "invalid type"),
        ("format_version = 1\npreset = \"ü\" x\n", 2, 14, ""),
        ("format_version = 1\n[[people]]\nname = \"a\"\nclip = []\n", 4, 1, "clip"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(&error, ProjectError::Config { line: l, column: c, .. } if (*l, *c) == (line, column)),
            "{text:?}: {error}"
        );
        assert!(error.to_string().contains(word), "{error}");
        assert!(error.hint().unwrap().contains("p/bifrons.toml"));
    }
    assert!(
        matches!(parse("preset = \"quick\"\n"), Err(ProjectError::Config { .. })),
        "the version is needed"
    );
}

#[test]
fn another_version_is_told_even_where_its_keys_are_unknown() {
    let newer = parse("format_version = 3\nwarp = true\n").unwrap_err();
    assert!(matches!(newer, ProjectError::Version { found: 3, expected: 1, .. }), "{newer}");
    assert!(newer.hint().unwrap().contains("newer"));
    assert!(parse("format_version = 0\n").unwrap_err().hint().unwrap().contains("older"));
}

#[test]
fn values_out_of_range_are_refused_in_both_directions() {
    for text in [
        "format_version = 1\nstop.minutes = 0.0\n",
        "format_version = 1\nstop.loss = nan\n",
        "format_version = 1\nstop.iterations = 0\n",
        "format_version = 1\n[[people]]\nname = \"A\"\n[[people]]\nname = \"a\"\n",
    ] {
        assert!(matches!(parse(text), Err(ProjectError::Setting { .. })), "{text:?}");
    }
    assert!(matches!(
        parse("format_version = 1\n[[people]]\nname = \"../x\"\n"),
        Err(ProjectError::Name { .. })
    ));
    let folder = tempfile::tempdir().unwrap();
    let config = Config { seed: u64::MAX, ..Config::default() };
    assert!(matches!(config.write(&folder.path().join("x.toml")), Err(ProjectError::Setting { .. })));
    assert!(!folder.path().join("x.toml").exists());
}

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bifrons.toml");
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(Config::read(&path), Err(ProjectError::Damaged { .. })));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = parse(&text);
        let _ = parse(&format!("format_version = 1\n{text}"));
    }

    #[test]
    fn every_clip_path_survives(path in "\\PC{1,40}", seed in 0..=i64::MAX as u64) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bifrons.toml");
        let people = vec![PersonConfig { name: "alice".into(), clips: vec![path], consent: None }];
        let config = Config { seed, people, ..Config::default() };
        config.write(&file).unwrap();
        prop_assert_eq!(Config::read(&file).unwrap(), config);
    }
}
