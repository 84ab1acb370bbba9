//! Reading: starting in the middle, colours, damaged and useless input.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bifrons_media::{
    Clip, ClipKind, Encoding, FrameSink, Kept, MediaError, PixelRect, RgbImage, Tools, check_output, join,
};
use common::{checksum, ffmpeg, real_clip, write_file};

/// Fingerprints of the frames from `from` on, at most `count`.
fn checksums(clip: &Clip, from: usize, count: usize) -> Vec<(usize, i64, u64)> {
    let mut reader = clip.read(from).unwrap();
    let mut found = Vec::new();
    while found.len() < count
        && let Some(frame) = reader.next_frame().unwrap()
    {
        found.push((frame.index(), frame.pts_ticks(), checksum(&frame)));
    }
    found
}

fn assert_reads_alike_from_anywhere(path: &Path) {
    let clip = Clip::open(path).unwrap();
    let all = checksums(&clip, 0, usize::MAX);
    assert_eq!(all.len(), clip.frame_count());
    let last = clip.frame_count() - 1;
    for from in [1, 13, 37, last / 2, last * 3 / 4, last - 1, last] {
        let part = checksums(&clip, from, 5);
        let end = (from + 5).min(all.len());
        assert!(part == all[from..end], "{} from {from}", path.display());
    }
}

#[test]
fn starting_anywhere_gives_the_same_frames() {
    for name in ["face_noface.mov", "no_face.mp4", "grid_lbax4n.mpg", "crowd_night_tiny.mp4"] {
        if let Some(path) = real_clip(name) {
            assert_reads_alike_from_anywhere(&path);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let source = "-f lavfi -i testsrc2=s=160x96:r=24:d=5";
    for (name, with) in [
        ("closed.mp4", "-c:v libx264 -g 24"),
        ("open.mkv", "-c:v libx264 -g 20 -x264-params open-gop=1:bframes=3"),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=none:keyint=15:open-gop=1"),
        ("late.mov", "-c:v libx264 -g 16 -output_ts_offset 3.7"),
        ("vp9.webm", "-c:v libvpx-vp9 -g 30 -deadline realtime -cpu-used 8"),
        ("old.avi", "-c:v mpeg4 -bf 2 -g 25"),
        ("h264.avi", "-c:v libx264"),
    ] {
        ffmpeg(f, &format!("{source} {with} {{}}/{name}"));
        assert_reads_alike_from_anywhere(&f.join(name));
    }
}

#[test]
fn colours_come_through_within_two_of_255() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let colours: [[u8; 3]; 8] = [
        [255, 255, 255],
        [0, 0, 0],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [200, 150, 120],
        [90, 60, 50],
        [128, 128, 128],
    ];
    let mut patches = RgbImage::new(8 * 32, 32);
    for (i, colour) in colours.iter().enumerate() {
        let colour = colour.map(|v| f32::from(v) / 255.0);
        patches.paste(&RgbImage::filled(32, 32, colour), i * 32, 0);
    }
    write_file(&f.join("patches.png"), &patches.encode_png().unwrap());
    for (matrix, tag) in [("bt709", "bt709"), ("bt601", "smpte170m")] {
        for (range, range_tag) in [("limited", "tv"), ("full", "pc")] {
            for format in ["yuv420p", "yuv444p", "yuv420p10le"] {
                let name = format!("{matrix}-{range}-{format}.mkv");
                ffmpeg(
                    f,
                    &format!(
                        "-i {{}}/patches.png -frames:v 1 -vf scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_int,format={format} \
                         -colorspace {tag} -color_range {range_tag} -c:v libx264 -crf 0 -preset ultrafast {{}}/{name}"
                    ),
                );
                let clip = Clip::open(f.join(&name)).unwrap();
                assert!(!clip.color().assumed, "{name}");
                let mut frame = clip.read(0).unwrap().next_frame().unwrap().unwrap();
                check_patches(&frame, &colours, &name);
                // Written back as they were read, nothing moves.
                let before = checksum(&frame);
                let whole = frame.whole();
                let same = frame.rgb(whole);
                frame.set_rgb(whole, &same, &vec![1.0; whole.area_px()]).unwrap();
                assert_eq!(checksum(&frame), before, "{name}");
                // New colours come back as they were written.
                frame.set_rgb(whole, &patches, &vec![1.0; whole.area_px()]).unwrap();
                check_patches(&frame, &colours, &name);
            }
        }
    }
}

fn check_patches(frame: &bifrons_media::Frame, colours: &[[u8; 3]], name: &str) {
    for (i, colour) in colours.iter().enumerate() {
        let patch = frame.rgb(PixelRect::new(i * 32 + 8, 8, 16, 16)).to_rgb8();
        let worst = patch.chunks_exact(3).flat_map(|p| (0..3).map(|c| p[c].abs_diff(colour[c]))).max();
        assert!(worst <= Some(2), "{name} patch {i}: {worst:?}");
    }
}

#[test]
fn a_cut_file_gives_its_good_frames_and_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=320x240:r=24:d=5 -c:v libx264 -g 24 -movflags +faststart {}/whole.mp4");
    let bytes = std::fs::read(f.join("whole.mp4")).unwrap();
    write_file(&f.join("cut.mp4"), &bytes[..bytes.len() / 2]);
    let whole = checksums(&Clip::open(f.join("whole.mp4")).unwrap(), 0, usize::MAX);
    let clip = Clip::open(f.join("cut.mp4")).unwrap();
    assert_eq!(clip.declared_frames(), 120);
    assert!(clip.frame_count() < 70, "{}", clip.frame_count());
    let mut reader = clip.read(0).unwrap();
    let mut good = 0;
    let error = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                assert_eq!(checksum(&frame), whole[good].2, "frame {good}");
                good += 1;
            }
            Ok(None) => panic!("no error after {good} frames"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, MediaError::Truncated { decoded, expected: 120, .. } if decoded == good),
        "{error} after {good}"
    );
    assert!(reader.next_frame().unwrap().is_none());
    assert_eq!(reader.delivered_frames(), good);
    assert!(!error.is_environment() && error.hint().is_some());
    // Going on with what is there.
    let short = clip.shortened(good).unwrap();
    assert_eq!(checksums(&short, 0, usize::MAX).len(), good);
}

#[test]
fn a_cut_file_without_a_frame_count_is_noticed_too() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=320x240:r=24:d=5 -c:v libx264 -g 24 {}/whole.mkv");
    let bytes = std::fs::read(f.join("whole.mkv")).unwrap();
    write_file(&f.join("cut.mkv"), &bytes[..bytes.len() / 2]);
    let clip = Clip::open(f.join("cut.mkv")).unwrap();
    let mut reader = clip.read(0).unwrap();
    let error = loop {
        match reader.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, MediaError::Truncated { decoded, expected: 120, .. }
            if decoded == reader.delivered_frames() && (40..80).contains(&decoded)),
        "{error}"
    );
}

#[test]
fn a_damaged_middle_keeps_every_other_frame_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v mjpeg -q:v 3 {}/whole.mov");
    let whole = checksums(&Clip::open(f.join("whole.mov")).unwrap(), 0, usize::MAX);
    // Wipe the start of one JPEG picture so that it cannot be decoded.
    let mut bytes = std::fs::read(f.join("whole.mov")).unwrap();
    let starts: Vec<usize> =
        (0..bytes.len() - 3).filter(|&i| bytes[i..i + 3] == [0xff, 0xd8, 0xff]).collect();
    assert_eq!(starts.len(), 30);
    bytes[starts[12]..starts[13]].fill(0);
    write_file(&f.join("hurt.mov"), &bytes);
    let clip = Clip::open(f.join("hurt.mov")).unwrap();
    let mut reader = clip.read(0).unwrap();
    let mut count = 0;
    let error = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                let truth = if count == 12 { 11 } else { count };
                assert_eq!(frame.index(), count);
                assert_eq!(frame.is_repeated(), count == 12);
                assert_eq!(checksum(&frame), whole[truth].2, "frame {count}");
                count += 1;
            }
            Ok(None) => panic!("no error after {count} frames"),
            Err(error) => break error,
        }
    };
    assert_eq!((count, reader.repeated_frames()), (30, &[12][..]));
    assert!(matches!(error, MediaError::Truncated { decoded: 29, expected: 30, .. }), "{error}");
}

#[test]
fn useless_input_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    let open = |name: &str| Clip::open(f.join(name)).expect_err(name);

    let error = open("nothing.mp4");
    assert!(matches!(error, MediaError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("nothing.mp4"));

    write_file(&f.join("empty.mp4"), b"");
    assert!(matches!(open("empty.mp4"), MediaError::Empty { .. }));

    write_file(&f.join("text.mp4"), b"hello there, I am no video at all\n");
    assert!(matches!(open("text.mp4"), MediaError::NotVideo { .. }));

    ffmpeg(f, "-f lavfi -i sine=d=1 -c:a aac {}/sound.m4a");
    assert!(matches!(open("sound.m4a"), MediaError::AudioOnly { .. }));

    ffmpeg(
        f,
        "-f lavfi -i testsrc2=s=64x64:d=1 -c:v libx264 -pix_fmt yuv420p10le -color_trc smpte2084 -colorspace bt2020nc -color_primaries bt2020 {}/hdr.mp4",
    );
    let error = open("hdr.mp4");
    assert!(matches!(error, MediaError::HighDynamicRange { .. }), "{error}");
    assert!(error.hint().unwrap().contains("bt709"));

    std::fs::create_dir(f.join("folder")).unwrap();
    write_file(&f.join("folder/notes.txt"), b"no picture");
    assert!(matches!(open("folder"), MediaError::NoPictures { .. }));

    let small = RgbImage::filled(4, 3, [0.5; 3]).encode_png().unwrap();
    let large = RgbImage::filled(5, 3, [0.5; 3]).encode_png().unwrap();
    write_file(&f.join("folder/a.png"), &small);
    write_file(&f.join("folder/b.png"), &large);
    let error = open("folder");
    assert!(
        matches!(&error, MediaError::SizesDiffer { found, expected, .. } if found == "5x3" && expected == "4x3"),
        "{error}"
    );
    write_file(&f.join("folder/b.png"), &small[..20]);
    assert!(matches!(open("folder"), MediaError::Picture { .. }));
}

#[test]
fn pictures_are_clips_too() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    std::fs::create_dir(f.join("shots")).unwrap();
    for (i, name) in ["b.png", "a.png", "c.png"].iter().enumerate() {
        let grey = RgbImage::filled(20, 10, [i as f32 / 4.0; 3]);
        write_file(&f.join("shots").join(name), &grey.encode_png().unwrap());
    }
    let clip = Clip::open(f.join("shots")).unwrap();
    assert_eq!((clip.kind(), clip.frame_count()), (ClipKind::PictureFolder, 3));
    assert_eq!((clip.width_px(), clip.height_px()), (20, 10));
    let mut reader = clip.read(0).unwrap();
    let mut chunks = Vec::new();
    for range in [0..2, 2..3] {
        let part = f.join(format!("{}.part", range.start));
        let mut sink = FrameSink::create(&clip, range.clone(), &Encoding::default(), &part).unwrap();
        for _ in range {
            let mut frame = reader.next_frame().unwrap().unwrap();
            if frame.index() == 1 {
                let red = RgbImage::filled(2, 1, [1.0, 0.0, 0.0]);
                frame.set_rgb(PixelRect::new(3, 4, 2, 1), &red, &[0.0, 0.5]).unwrap();
            }
            sink.write(&frame).unwrap();
        }
        sink.finish().unwrap();
        chunks.push(part);
    }
    join(&clip, &chunks, &f.join("out.part"), Path::new("out"), Kept::Everything).unwrap();
    let made = Clip::open(f.join("out.part")).unwrap();
    let mut reader = made.read(1).unwrap();
    let frame = reader.next_frame().unwrap().unwrap();
    let pixels = frame.rgb(PixelRect::new(3, 4, 2, 1)).to_rgb8();
    assert_eq!(pixels, [0, 0, 0, 255, 0, 0]);

    let single = Clip::open(f.join("shots/c.png")).unwrap();
    assert_eq!((single.kind(), single.frame_count()), (ClipKind::Picture, 1));
    let part = f.join("single.part");
    let mut sink = FrameSink::create(&single, 0..1, &Encoding::default(), &part).unwrap();
    sink.write(&single.read(0).unwrap().next_frame().unwrap().unwrap()).unwrap();
    sink.finish().unwrap();
    for name in ["made.png", "made.jpg"] {
        join(&single, std::slice::from_ref(&part), &f.join(name), Path::new(name), Kept::Everything).unwrap();
        let made = Clip::open(f.join(name)).unwrap();
        let frame = made.read(0).unwrap().next_frame().unwrap().unwrap();
        assert_eq!(frame.rgb(frame.whole()).to_rgb8()[..3], [128, 128, 128]);
    }
    let error = check_output(&single, Path::new("made.gif")).unwrap_err();
    assert!(matches!(error, MediaError::UnknownContainer { .. }));
}

#[test]
fn names_that_cannot_hold_the_film_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=64x48:d=1 -f lavfi -i sine=d=1 -c:v libx264 -c:a pcm_s16le {}/pcm.mov");
    let clip = Clip::open(f.join("pcm.mov")).unwrap();
    assert!(check_output(&clip, Path::new("out.mov")).is_ok());
    assert!(check_output(&clip, Path::new("OUT.MKV")).is_ok());
    let error = check_output(&clip, Path::new("out.mp4")).unwrap_err();
    assert!(
        matches!(&error, MediaError::SoundNotHeld { works: Some("mov"), codec, .. } if codec == "pcm_s16le"),
        "{error}"
    );
    assert!(error.hint().unwrap().ends_with(".mov"));
    let error = check_output(&clip, Path::new("out.webm")).unwrap_err();
    assert!(matches!(error, MediaError::UnknownContainer { .. }), "{error}");
}

#[test]
fn frames_out_of_turn_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=64x48:r=10:d=1 {}/film.mp4");
    let clip = Clip::open(f.join("film.mp4")).unwrap();
    assert!(matches!(clip.read(10), Err(MediaError::FrameOutOfRange { count: 10, .. })));
    let frame = clip.read(3).unwrap().next_frame().unwrap().unwrap();
    let part = f.join("x.part");
    let encoding = Encoding::default();
    let mut sink = FrameSink::create(&clip, 2..5, &encoding, &part).unwrap();
    assert!(matches!(sink.write(&frame), Err(MediaError::OutOfOrder { expected: 2, found: 3, .. })));
    assert!(matches!(sink.finish(), Err(MediaError::OutOfOrder { .. })));
    assert!(FrameSink::create(&clip, 5..11, &encoding, &part).is_err());
    assert!(FrameSink::create(&clip, 5..5, &encoding, &part).is_err());
    let bad = Encoding { preset: "placebo;rm".to_owned(), ..encoding };
    let error = FrameSink::create(&clip, 0..5, &bad, &part).unwrap_err();
    assert!(error.hint().unwrap().contains("veryslow"));
}

#[test]
fn an_encoder_that_cannot_write_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=320x240:r=10:d=3 {}/film.mp4");
    let clip = Clip::open(f.join("film.mp4")).unwrap();
    let part = f.join("no/such/folder/x.part");
    let encoding = Encoding::default();
    let result = FrameSink::create(&clip, 0..30, &encoding, &part).and_then(|mut sink| {
        let mut reader = clip.read(0)?;
        while let Some(frame) = reader.next_frame()? {
            sink.write(&frame)?;
        }
        sink.finish()
    });
    let error = result.unwrap_err();
    assert!(error.is_environment(), "{error}");
    assert!(error.to_string().contains("No such file"), "{error}");
}

/// A program in place of FFmpeg: the real one for probing, `script` for the rest.
#[cfg(unix)]
fn fake_ffmpeg(folder: &Path, script: &str) -> Tools {
    use std::os::unix::fs::PermissionsExt;
    let path: PathBuf = folder.join("fake-ffmpeg");
    write_file(&path, format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Tools { ffmpeg: path, stall_timeout: Duration::from_millis(400), ..Tools::from_env() }
}

#[cfg(unix)]
#[test]
fn a_decoder_that_hangs_or_prints_garbage_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let f = folder.path();
    ffmpeg(f, "-f lavfi -i testsrc2=s=64x48:r=10:d=1 {}/film.mp4");
    let first = |script: &str| {
        let tools = fake_ffmpeg(f, script);
        let patient = Tools { stall_timeout: Duration::from_secs(60), ..tools.clone() };
        // Probing is given time, reading is not.
        let mut clip = Clip::open_with(f.join("film.mp4"), &patient).unwrap();
        clip = clip.with_tools(tools);
        clip.read(0).unwrap().next_frame().unwrap_err()
    };
    let error = first("exec sleep 600");
    assert!(matches!(error, MediaError::Stalled { .. }), "{error}");
    assert!(error.is_environment());
    // Bytes of a frame, but no word about them.
    let error = first("exec head -c 100000 /dev/zero");
    assert!(matches!(error, MediaError::DecoderFailed { .. }), "{error}");
    let error = first("echo '[x @ 0x1] [error] it broke' >&2; exit 1");
    assert!(
        matches!(&error, MediaError::DecoderFailed { detail, .. } if detail.contains("it broke")),
        "{error}"
    );
    let error = fake_ffmpeg(f, "echo 'ffmpeg version 4.4.1 Copyright'").version().unwrap_err();
    assert!(matches!(error, MediaError::ToolTooOld { .. }), "{error}");
    let error = fake_ffmpeg(f, "echo hello").version().unwrap_err();
    assert!(matches!(error, MediaError::ToolGarbled { .. }), "{error}");
}
