//! The crates depend downward only: nothing on the left of the pipeline knows anything on its right.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// From the bottom to the top; a crate may depend on those before it.
const ORDER: [&str; 13] = [
    "bifrons-kernels",
    "bifrons-media",
    "bifrons-vision",
    "bifrons-project",
    "bifrons-extraction",
    "bifrons-net",
    "bifrons-training",
    "bifrons-swap",
    "bifrons-measure",
    "bifrons-seal",
    "bifrons-exchange",
    "bifrons-studio",
    "bifrons",
];

/// Below its place in the order, and yet not to be known: (crate, what it must not know).
const STRANGERS: [(&str, &str); 4] = [
    ("bifrons-project", "bifrons-media"),
    ("bifrons-project", "bifrons-vision"),
    ("bifrons-net", "bifrons-project"),
    ("bifrons-project", "bifrons-kernels"),
];

/// The crates of the workspace, each with those of the workspace it depends on, also for tests and builds.
fn crates() -> BTreeMap<String, Vec<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output();
    let output = output.expect("cargo runs this test, so it is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let ours = |name: &String| name.starts_with("bifrons");
    let package = |package: &Value| {
        let needs =
            list(&package["dependencies"]).iter().map(|needed| text(&needed["name"])).filter(ours).collect();
        (text(&package["name"]), needs)
    };
    list(&metadata["packages"]).iter().map(package).collect()
}

fn place(name: &str) -> usize {
    let place = ORDER.iter().position(|known| *known == name);
    place.unwrap_or_else(|| {
        panic!("{name} has no place in the order of ARCHITECTURE.md: give it one there and here")
    })
}

#[test]
fn no_crate_depends_upward() {
    for (name, needs) in crates() {
        for needed in needs {
            assert!(
                place(&needed) < place(&name),
                "{name} must not depend on {needed}, which comes after it"
            );
        }
    }
}

#[test]
fn no_crate_knows_a_stranger() {
    let crates = crates();
    for (name, stranger) in STRANGERS {
        let knows = crates.get(name).is_some_and(|needs| needs.iter().any(|needed| needed == stranger));
        assert!(!knows, "{name} must not depend on {stranger}");
    }
}

#[test]
fn every_crate_is_in_the_table_of_the_architecture() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md"));
    let text = text.expect("ARCHITECTURE.md is at the root");
    for name in crates().keys() {
        assert!(text.contains(&format!("| `{name}` |")), "ARCHITECTURE.md has no line for {name}");
    }
}
