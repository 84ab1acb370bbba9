//! What the program says about itself, and what it makes of a line that it cannot understand.

mod support;

use support::{Ran, bifrons, code};

const COMMANDS: [&str; 12] = [
    "swap", "new", "add", "extract", "faces", "studio", "train", "convert", "shots", "sheet", "bench",
    "doctor",
];

fn says(arguments: &[&str], exit: i32) -> Ran {
    Ran::of(bifrons().args(arguments)).expect(exit)
}

#[test]
fn help_is_on_stdout_and_names_every_command_and_exit_code() {
    let help = says(&["--help"], code::DONE);
    assert_eq!(help.stderr, "");
    let listed: Vec<_> =
        help.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    for command in COMMANDS {
        assert!(listed.contains(&command), "{command} is not in\n{}", help.stdout);
    }
    for text in [
        "0 done",
        "1 done with listed failures",
        "2 usage",
        "3 input unusable",
        "4 environment",
        "130 stopped",
    ] {
        assert!(help.stdout.replace("\n", " ").contains(text), "`{text}` is not in\n{}", help.stdout);
    }
    assert!(help.stdout.contains("--json"), "{}", help.stdout);
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let help = says(&[command, "--help"], code::DONE);
        assert!(help.stdout.contains(&format!("Usage: bifrons {command}")), "{}", help.stdout);
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "{}", help.stdout);
    }
}

#[test]
fn swap_has_the_options_that_are_documented() {
    let help = says(&["swap", "--help"], code::DONE).stdout;
    for option in [
        "--face <CLIP>",
        "--onto <FILM>",
        "-o, --output <OUT>",
        "--project <DIR>",
        "--preset <PRESET>",
        "--minutes <N>",
        "--iterations <N>",
        "--loss <X>",
        "--seed <SEED>",
        "--device <DEVICE>",
    ] {
        assert!(help.contains(option), "{option} is not in\n{help}");
    }
    for default in ["else film]", "[default: cpu]", "[default: 1]"] {
        assert!(help.contains(default), "{default} is not in\n{help}");
    }
}

#[test]
fn the_version_is_one_line() {
    let version = says(&["--version"], code::DONE);
    assert_eq!(version.stdout, format!("bifrons {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_line_that_cannot_be_understood_is_a_usage_error() {
    for (arguments, expected) in [
        (&[][..], "Usage: bifrons"),
        (&["swop"], "similar subcommand exists: 'swap'"),
        (&["swap"], "--face <CLIP>"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--minuts", "1"], "'--minutes'"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--minutes", "-1"], "--minutes"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--minutes", "0"], "must be above 0"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--minutes", "long"], "not a number"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--iterations", "0"], "--iterations"),
        (&["swap", "--face", "a", "--onto", "b", "-o", "c", "--seed", "-3"], "--seed"),
        (&["add", "--as", "alice"], "<CLIPS>"),
    ] {
        let ran = says(arguments, code::USAGE);
        assert!(ran.stderr.contains(expected), "`{expected}` is not in\n{}", ran.all());
        assert_eq!(ran.stdout, "", "an error belongs on stderr");
    }
}

#[test]
fn doctor_tells_what_is_there() {
    let report = says(&["doctor"], code::DONE).stdout;
    let version = format!("bifrons     {} on ", env!("CARGO_PKG_VERSION"));
    for text in [
        &version,
        "devices     cpu",
        "preset      quick",
        "preset      film",
        "preset      original",
        "networks    load",
        "GiB free",
        "FFmpeg      ",
    ] {
        assert!(report.contains(text), "`{text}` is not in\n{report}");
    }
    let hashes =
        report.lines().filter(|line| line.starts_with("network ")).filter_map(|line| line.rsplit(' ').next());
    let hashes: Vec<_> = hashes.collect();
    assert!(hashes.len() >= 3, "{report}");
    assert!(
        hashes.iter().all(|hash| hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit())),
        "{report}"
    );
}

#[test]
fn json_is_json_from_the_first_line_to_the_last_even_when_it_fails() {
    let ran = says(&["train", "--project", "no-such-project", "--json"], code::USAGE);
    let events = ran.events();
    assert_eq!(events[0]["event"], "started");
    let last = events.last().expect("there are events");
    assert_eq!((&last["event"], &last["outcome"]), (&"result".into(), &"failed".into()));
    assert!(last["error"].as_str().is_some_and(|error| error.contains("no-such-project")), "{last}");
    assert!(last["hint"].as_str().is_some_and(|hint| hint.contains("bifrons new")), "{last}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn steps_out_of_order_say_which_comes_first() {
    let room = support::Room::new();
    let project = room.path("project");
    let project = project.to_str().expect("a path in UTF-8");
    says(&["new", project], code::DONE);
    let again = says(&["new", project], code::USAGE);
    assert!(again.stderr.contains("is a Bifrons project already"), "{}", again.all());
    let train = says(&["train", "--project", project], code::USAGE);
    assert!(train.stderr.contains("bifrons add --as NAME CLIP"), "{}", train.all());
    let convert = says(
        &["convert", "--project", project, "--face", "a", "--onto", "b.mp4", "-o", "c.mp4"],
        code::USAGE,
    );
    assert!(convert.stderr.contains("bifrons add --as NAME b.mp4"), "{}", convert.all());
}

#[test]
fn bench_measures_training_in_one_line_of_json() {
    let ran = says(
        &["bench", "train", "--preset", "quick", "--warm", "1", "--iterations", "2", "--profile"],
        code::DONE,
    );
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{}", ran.all());
    let measured: serde_json::Value = serde_json::from_str(lines[0]).expect("JSON");
    assert_eq!((&measured["preset"], &measured["device"]), (&"quick".into(), &"cpu".into()));
    let number = |name: &str| measured[name].as_f64().unwrap_or_else(|| panic!("no {name} in {measured}"));
    assert!(number("median_s") > 0.0 && number("median_s") <= number("max_s"));
    assert!((number("iterations_per_sec") * number("median_s") - 1.0).abs() < 1e-9);
    assert!((number("images_per_sec") / number("iterations_per_sec") - 2.0 * number("batch")).abs() < 1e-9);
    // operators of a step take nearly all of it, one after the other
    let profile = measured["profile"].as_array().expect("a profile");
    let shares: f64 = profile.iter().map(|spent| spent["share"].as_f64().expect("a share")).sum();
    assert!((0.5..1.01).contains(&shares), "{measured}");
    let named =
        |what: &str| profile.iter().any(|spent| spent["what"].as_str().is_some_and(|it| it.contains(what)));
    assert!(
        named("5x5/2, 3 to 32 channels, 64 px, forward") && named("loss, back") && named("Adam"),
        "{measured}"
    );
    assert!(number("roof_gflops") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(number("peak_rss_mb") > 10.0, "{measured}");
    }
}

/// The same faces and the same first weights: in f32 every kind of instructions goes exactly the way that plain Rust goes (on
/// a processor that has fused multiply-add, as all with these instructions have), in bf16 nearly so.
#[test]
fn all_kernels_learn_alike() {
    const ITERATIONS: usize = 12;
    let curve = |kernels: &str| -> Option<Vec<f64>> {
        let count = ITERATIONS.to_string();
        let mut command = bifrons();
        command
            .args(["bench", "train", "--warm", "0", "--iterations", &count])
            .env("BIFRONS_KERNELS", kernels);
        let ran = Ran::of(&mut command).expect(code::DONE);
        let found: serde_json::Value = serde_json::from_str(ran.stdout.trim()).expect("JSON");
        let losses =
            found["losses"].as_array().expect("losses").iter().map(|loss| loss.as_f64().expect("a number"));
        // others than asked for: this processor has no such instructions
        (found["kernels"] == kernels).then(|| losses.collect())
    };
    let plain = curve("plain").expect("plain Rust runs everywhere");
    assert_eq!(plain.len(), ITERATIONS);
    assert!(plain[ITERATIONS - 1] < 0.95 * plain[0], "it learns, even while warming up: {plain:?}");
    for (kernels, within) in
        [("neon", 0.0), ("avx2", 0.0), ("avx512", 0.0), ("avx512bf16", 2e-2), ("amx", 2e-2)]
    {
        let Some(found) = curve(kernels) else { continue };
        for (found, plain) in found.iter().zip(&plain) {
            assert!((found - plain).abs() <= within * plain, "{kernels}: {found} instead of {plain}");
        }
    }
}
