//! What becomes of a seal: intact, changed anywhere, taken off, signed by somebody else.

use std::path::{Path, PathBuf};
use std::process::Command;

use bifrons_project::atomic;
use bifrons_seal::{
    Credentials, Facts, Keys, Kind, Making, SealError, State, beside, format_of, keys::known_certificates,
    seal, verify::credentials,
};
use tempfile::TempDir;

struct Room(TempDir);

impl Room {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keys(&self, name: &str) -> Keys {
        Keys::open_or_make(&self.path(name)).unwrap()
    }

    /// A second of colour bars with a tone.
    fn film(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=192x144:r=10:d=1"]);
        ffmpeg.args([
            "-f",
            "lavfi",
            "-i",
            "sine=d=1",
            "-c:v",
            "libx264",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
        ]);
        assert!(ffmpeg.arg(&path).status().expect("FFmpeg is installed").success());
        path
    }

    fn picture(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=192x144", "-frames:v", "1"]);
        assert!(ffmpeg.arg(&path).status().expect("FFmpeg is installed").success());
        path
    }

    /// Seals a copy of `plain`, as an edit of `footage`, under a name of its own.
    fn sealed(&self, plain: &Path, target: &str, footage: Option<&Path>, keys: &Keys) -> PathBuf {
        let target = self.path(target);
        let facts = Facts {
            making: Making { identity: Some("alice".into()), replaced: Some("bob".into()), ..swap() },
            footage: footage.map(Path::to_owned),
            inputs: Vec::new(),
        };
        self.sealed_with(plain, &target, &facts, keys);
        target
    }

    fn sealed_with(&self, plain: &Path, target: &Path, facts: &Facts, keys: &Keys) {
        let part = atomic::part_path(target);
        std::fs::copy(plain, &part).unwrap();
        let sealed = seal(&part, target, facts, keys).unwrap();
        assert!(!part.exists(), "the unsealed film is still there");
        atomic::publish(&sealed, target).unwrap();
    }

    fn read(&self, path: &Path, keys: &str) -> Result<Option<Credentials>, SealError> {
        let known = known_certificates(&self.path(keys)).unwrap();
        credentials(path, format_of(path).unwrap(), known.as_deref())
    }
}

fn swap() -> Making {
    Making { frames_replaced: vec![[0, 9]], ..Making::new(Kind::Swap, 10) }
}

/// The same file with one bit of one byte turned over.
fn flipped(path: &Path, at: usize) -> PathBuf {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    let out = path.with_file_name(format!("flipped-{at}.{}", path.extension().unwrap().to_string_lossy()));
    atomic::write(&out, &bytes).unwrap();
    out
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap_or_else(|| panic!("no {what:?}"))
}

/// A byte in the middle of the packets of a stream.
fn packet(path: &Path, stream: &str) -> usize {
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-select_streams",
        stream,
        "-show_entries",
        "packet=pos,size",
        "-of",
        "csv=p=0",
    ]);
    let text = String::from_utf8(probe.arg(path).output().unwrap().stdout).unwrap();
    let numbers =
        |line: &str| line.split(',').filter_map(|n| n.trim().parse::<usize>().ok()).collect::<Vec<_>>();
    let packets: Vec<_> = text.lines().map(numbers).filter(|n| n.len() == 2).collect();
    let (size, at) = (packets[packets.len() / 2][0], packets[packets.len() / 2][1]);
    at + size / 2
}

#[test]
fn every_kind_of_file_comes_back_intact_with_what_was_said() {
    let room = Room::new();
    let keys = room.keys("keys");
    let footage = room.film("footage.mp4");
    for (plain, target) in [
        (room.film("a.mp4"), "out.mp4"),
        (room.film("a.mov"), "out.mov"),
        (room.picture("a.png"), "out.png"),
        (room.picture("a.jpg"), "out.jpg"),
    ] {
        let out = room.sealed(&plain, target, Some(&footage), &keys);
        let found = room.read(&out, "keys").unwrap().expect("credentials");
        assert_eq!((found.state, found.problems.as_slice()), (State::Intact, [].as_slice()), "{target}");
        assert!(found.generator.starts_with("Bifrons "), "{}", found.generator);
        assert!(found.signer.as_ref().is_some_and(|signer| signer.known), "{:?}", found.signer);
        let making = found.making.expect("what was said");
        assert_eq!(
            (making.identity.as_deref(), making.frames_replaced.as_slice()),
            (Some("alice"), [[0, 9]].as_slice())
        );
        let parents: Vec<_> =
            found.inputs.iter().filter(|input| input.is_parent).map(|i| &*i.title).collect();
        assert_eq!(parents, ["footage.mp4"]);
    }
}

/// Credentials beside a picture are worth what those inside are: they fit this picture alone.
#[test]
fn what_cannot_hold_a_seal_has_it_beside_it() {
    let room = Room::new();
    let keys = room.keys("keys");
    let footage = room.picture("footage.exr");
    let plain = room.picture("a.exr");
    let before = std::fs::read(&plain).unwrap();
    let out = room.sealed(&plain, "out.exr", Some(&footage), &keys);
    assert_eq!(std::fs::read(&out).unwrap(), before, "the picture itself was changed");
    let found = room.read(&out, "keys").unwrap().expect("credentials");
    assert_eq!((found.state, found.problems.as_slice()), (State::Intact, [].as_slice()));
    assert_eq!(found.making.expect("what was said").identity.as_deref(), Some("alice"));
    assert!(found.inputs.iter().any(|input| input.is_parent && input.title == "footage.exr"));

    // another picture under the same name, another manifest, none, and none that can be read
    let picture = flipped(&out, before.len() / 2);
    std::fs::copy(beside(&out).unwrap(), beside(&picture).unwrap()).unwrap();
    assert_eq!(room.read(&picture, "keys").unwrap().expect("credentials").state, State::Changed);
    let at = find(&std::fs::read(beside(&out).unwrap()).unwrap(), b"alice");
    let manifest = flipped(&beside(&out).unwrap(), at);
    std::fs::copy(&manifest, beside(&out).unwrap()).unwrap();
    assert_eq!(room.read(&out, "keys").unwrap().expect("credentials").state, State::Changed);
    std::fs::remove_file(beside(&out).unwrap()).unwrap();
    assert_eq!(room.read(&out, "keys").unwrap(), None);
    atomic::write(&beside(&out).unwrap(), b"no manifest").unwrap();
    let error = room.read(&out, "keys").unwrap_err();
    assert!(error.to_string().contains("out.c2pa"), "{error}");
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let room = Room::new();
    let out =
        room.sealed(&room.film("a.mp4"), "out.mp4", Some(&room.film("footage.mp4")), &room.keys("keys"));
    let bytes = std::fs::read(&out).unwrap();
    let places = [
        ("video", packet(&out, "v:0")),
        ("sound", packet(&out, "a:0")),
        ("header", find(&bytes, b"mvhd") + 20),
        ("what the manifest says", find(&bytes, b"alice")),
    ];
    for (name, at) in places {
        let found = room.read(&flipped(&out, at), "keys").unwrap().expect("credentials");
        assert_eq!(found.state, State::Changed, "{name}, byte {at}");
        assert!(!found.problems.is_empty(), "{name}");
    }
}

#[test]
fn a_film_without_its_seal_says_nothing_and_one_that_is_cut_off_is_changed() {
    let room = Room::new();
    let keys = room.keys("keys");
    let plain = room.film("a.mp4");
    let out = room.sealed(&plain, "out.mp4", Some(&plain), &keys);
    assert_eq!(room.read(&plain, "keys").unwrap(), None);
    let stripped = room.path("stripped.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(&out).args(["-c", "copy"]).arg(&stripped);
    assert!(ffmpeg.status().unwrap().success());
    assert_eq!(room.read(&stripped, "keys").unwrap(), None);

    let bytes = std::fs::read(&out).unwrap();
    let short = room.path("short.mp4");
    atomic::write(&short, &bytes[..bytes.len() - 3000]).unwrap();
    match room.read(&short, "keys") {
        Ok(Some(found)) => assert_eq!(found.state, State::Changed),
        Ok(None) => panic!("a cut film has no credentials any more"),
        Err(SealError::Unreadable { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn another_users_film_is_intact_but_from_a_stranger() {
    let room = Room::new();
    let plain = room.film("a.mp4");
    let out = room.sealed(&plain, "out.mp4", Some(&plain), &room.keys("theirs"));
    room.keys("ours");
    for keys in ["ours", "no-keys-at-all"] {
        let found = room.read(&out, keys).unwrap().expect("credentials");
        assert_eq!(found.state, State::Intact);
        assert!(found.signer.is_some_and(|signer| !signer.known), "known with the keys {keys}");
    }
}

#[test]
fn the_footage_keeps_its_own_credentials() {
    let room = Room::new();
    let keys = room.keys("keys");
    let plain = room.film("a.mp4");
    let first = room.sealed(&plain, "first.mp4", Some(&plain), &keys);
    let second = room.sealed(&plain, "second.mp4", Some(&first), &keys);
    let found = room.read(&second, "keys").unwrap().expect("credentials");
    assert_eq!(found.state, State::Intact);
    assert!(found.inputs.iter().any(|input| input.is_parent && input.has_credentials), "{:?}", found.inputs);
}

#[test]
fn a_veiled_film_points_to_nobody() {
    let room = Room::new();
    let keys = room.keys("keys");
    let footage = room.film("the-witness-anna.mp4");
    let sealed_footage = room.sealed(&footage, "interview-anna.mp4", Some(&footage), &keys);
    let out = room.path("veiled.mp4");
    let making = Making {
        kind: Kind::Veil,
        identity: Some("Bert-the-double".into()),
        replaced: Some("Anna-the-witness".into()),
        ..swap()
    };
    let facts = Facts {
        making,
        footage: Some(sealed_footage.clone()),
        inputs: vec![room.path("clips/anna-at-home.mp4")],
    };
    // what is veiled comes from elsewhere than the footage
    let plain = room.film("plain.mp4");
    room.sealed_with(&plain, &out, &facts, &keys);
    let bytes = std::fs::read(&out).unwrap().to_ascii_lowercase();
    for name in ["anna", "witness", "bert", "interview", "alice"] {
        let there = bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(!there, "the veiled film says {name}");
    }
    let found = room.read(&out, "keys").unwrap().expect("credentials");
    assert_eq!((found.state, found.making.expect("what was said").kind), (State::Intact, Kind::Veil));
    assert!(found.inputs.iter().all(|input| !input.has_credentials), "{:?}", found.inputs);
}

#[test]
fn keys_are_private_and_never_replaced() {
    let room = Room::new();
    let folder = room.path("config/bifrons/seal");
    let keys = Keys::make(&folder).unwrap();
    assert!(matches!(Keys::make(&folder), Err(SealError::KeysThere { .. })));
    assert_eq!(Keys::open_or_make(&folder).unwrap().certificates(), keys.certificates());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.join("private-key.pem")), 0o600);
        assert_eq!(mode(&folder), 0o700);
    }
    // taken over by another folder: the certificates must fit their key
    let taken = room.path("taken");
    let (certificates, key) = (folder.join("certificates.pem"), folder.join("private-key.pem"));
    Keys::adopt(&taken, &certificates, &key).unwrap();
    let others = room.path("others");
    Keys::make(&others).unwrap();
    let wrong =
        Keys::adopt(&room.path("wrong"), &others.join("certificates.pem"), &certificates).unwrap_err();
    assert!(matches!(wrong, SealError::Keys { .. }), "{wrong}");
    assert!(!room.path("wrong").exists());
}

#[test]
fn a_kind_of_file_that_holds_no_seal_is_refused_before_anything_is_written() {
    let room = Room::new();
    let part = room.film("film.mkv");
    let facts = Facts { making: swap(), footage: None, inputs: Vec::new() };
    let refused = seal(&part, &room.path("out.mkv"), &facts, &room.keys("keys")).unwrap_err();
    assert!(matches!(&refused, SealError::Unsealable { extension, .. } if extension == "mkv"), "{refused}");
    assert!(refused.hint().unwrap().contains(".mp4"));
    assert!(part.exists() && !room.path("out.mkv").exists());
}
