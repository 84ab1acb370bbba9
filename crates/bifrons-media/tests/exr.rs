//! OpenEXR and deep pictures in and out: what is not painted over comes back bit for bit.

mod common;

use std::path::{Path, PathBuf};

use bifrons_media::{
    Clip, ClipKind, FrameSink, ImageError, Kept, MediaError, PixelRect, RgbImage, check_output, join,
};
use exr::prelude::*;

use common::write_file;

const SIZE: (usize, usize) = (40, 24);
/// What is painted over: `[x, y, width, height]`.
const PAINTED: [usize; 4] = [10, 5, 8, 6];

type Flat = Image<Layer<AnyChannels<FlatSamples>>>;

/// Numbers as film never has them: tiny, huge, below 0, infinite, none.
fn light(place: usize, channel: usize) -> f32 {
    let odd = [0.18, 1.0, 7.5, -0.25, 1e-6, 300.0, f32::INFINITY, f32::NAN, 0.0, 60_000.0];
    odd[(place * 7 + channel * 3) % odd.len()] * if place.is_multiple_of(5) { 1.0 } else { 0.37 }
}

/// Channels of these names, halves or floats.
fn channels(names: &[&str], half: bool, size: (usize, usize)) -> AnyChannels<FlatSamples> {
    let channel = |(number, name): (usize, &&str)| {
        let values = (0..size.0 * size.1).map(|place| light(place, number));
        let samples = if half {
            FlatSamples::F16(values.map(f16::from_f32).collect())
        } else {
            FlatSamples::F32(values.collect())
        };
        AnyChannel::new(*name, samples)
    };
    AnyChannels::sort(names.iter().enumerate().map(channel).collect())
}

fn flat(names: &[&str], half: bool, size: (usize, usize), compression: Compression) -> Flat {
    let encoding = Encoding { compression, blocks: Blocks::ScanLines, line_order: LineOrder::Increasing };
    Image::from_layer(Layer::new(size, LayerAttributes::default(), encoding, channels(names, half, size)))
}

fn file(image: &Flat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write().to_buffered(&mut bytes).unwrap();
    bytes.into_inner()
}

fn read_back(path: &Path) -> Flat {
    let layers = read().no_deep_data().largest_resolution_level().all_channels().first_valid_layer();
    layers.all_attributes().from_file(path).unwrap()
}

/// Bits of a sample, whatever its type.
fn bits(samples: &FlatSamples, place: usize) -> u32 {
    match samples {
        FlatSamples::F16(samples) => u32::from(samples[place].to_bits()),
        FlatSamples::F32(samples) => samples[place].to_bits(),
        FlatSamples::U32(samples) => samples[place],
    }
}

/// Reads a clip, paints a part of every frame grey, and writes it in chunks of two frames.
fn painted(clip: &Clip, folder: &Path, name: &str, kept: Kept) -> PathBuf {
    let [x, y, width, height] = PAINTED;
    let rect = PixelRect::new(x, y, width, height);
    let mut reader = clip.read(0).unwrap();
    let mut chunks = Vec::new();
    let count = clip.frame_count();
    for first in (0..count).step_by(2) {
        let range = first..(first + 2).min(count);
        let part = folder.join(format!("{name}-{first}.part"));
        let encoding = bifrons_media::Encoding::default();
        let mut sink = FrameSink::create(clip, range.clone(), &encoding, &part).unwrap();
        for _ in range {
            let mut frame = reader.next_frame().unwrap().unwrap();
            let grey = RgbImage::filled(width, height, [0.5; 3]);
            // the last column of the rectangle is not painted
            let alpha: Vec<f32> =
                (0..rect.area_px()).map(|i| f32::from(u8::from(i % width + 1 < width))).collect();
            frame.set_rgb(rect, &grey, &alpha).unwrap();
            sink.write(&frame).unwrap();
        }
        sink.finish().unwrap();
        chunks.push(part);
    }
    let out = folder.join(name);
    join(clip, &chunks, &out, Path::new(name), kept).unwrap();
    out
}

fn is_painted(x: i64, y: i64) -> bool {
    let [left, top, width, height] = PAINTED.map(|side| side as i64);
    (left..left + width - 1).contains(&x) && (top..top + height).contains(&y)
}

/// A picture by its header with a data window that begins at (-3, 2) and is narrower than what is shown.
fn cropped() -> Flat {
    let mut image = flat(&["R", "G", "B"], false, (SIZE.0 - 10, SIZE.1), Compression::RLE);
    image.attributes.display_window = IntegerBounds::new((0, 0), SIZE);
    image.layer_data.attributes.layer_position = Vec2(-3, 2);
    image
}

#[test]
fn a_folder_of_exr_gives_one_and_keeps_what_is_not_painted_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let shot = folder.path().join("shot");
    std::fs::create_dir(&shot).unwrap();
    let mut first = flat(&["R", "G", "B", "A"], true, SIZE, Compression::PIZ);
    first.layer_data.attributes.owner = Some(Text::from("somebody"));
    first.layer_data.attributes.frames_per_second = Some((24, 1));
    first.layer_data.attributes.other.insert(Text::from("reel"), AttributeValue::Text(Text::from("A001")));
    let wide = exr::meta::attribute::Chromaticities {
        red: Vec2(0.7347, 0.2653),
        green: Vec2(0.0, 1.0),
        blue: Vec2(0.0001, -0.077),
        white: Vec2(0.32168, 0.33767),
    };
    first.attributes.chromaticities = Some(wide);
    let made = [("0100.exr", first), ("0101.exr", cropped())];
    let third = flat(&["R", "G", "B"], true, SIZE, Compression::ZIP1);
    for (name, image) in made.iter().chain([&("0102.EXR", third)]) {
        write_file(&shot.join(name), &file(image));
    }
    let clip = Clip::open(&shot).unwrap();
    assert_eq!((clip.kind(), clip.frame_count()), (ClipKind::PictureFolder, 3));
    assert_eq!((clip.width_px(), clip.height_px()), SIZE);
    check_output(&clip, Path::new("out")).unwrap();

    let out = painted(&clip, folder.path(), "out", Kept::Everything);
    let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["0100.exr", "0101.exr", "0102.exr"]);
    for (name, before) in &made {
        let after = read_back(&out.join(name));
        assert_eq!(after.attributes, before.attributes, "{name}");
        // the data window is the display window
        let mut wanted = before.layer_data.attributes.clone();
        wanted.layer_position = before.attributes.display_window.position;
        assert_eq!(after.layer_data.attributes, wanted, "{name}");
        assert_eq!(after.layer_data.size, before.attributes.display_window.size, "{name}");
        assert_eq!(after.layer_data.encoding.compression, Compression::ZIP16);
        let (old, new) = (&before.layer_data.channel_data.list, &after.layer_data.channel_data.list);
        assert_eq!(old.len(), new.len(), "{name}");
        let Vec2(left, top) = before.layer_data.attributes.layer_position;
        let (width, height) = (before.layer_data.size.width() as i64, before.layer_data.size.height() as i64);
        for (old, new) in old.iter().zip(new) {
            assert_eq!(old.name, new.name);
            let grey = match &old.sample_data {
                FlatSamples::F16(_) => u32::from(f16::from_f32(0.214_041_14).to_bits()),
                _ => 0.214_041_14_f32.to_bits(),
            };
            for place in 0..SIZE.0 * SIZE.1 {
                let (x, y) = ((place % SIZE.0) as i64, (place / SIZE.0) as i64);
                let (column, row) = (x - i64::from(left), y - i64::from(top));
                let is_stored = (0..width).contains(&column) && (0..height).contains(&row);
                let before = is_stored.then(|| bits(&old.sample_data, (row * width + column) as usize));
                let found = bits(&new.sample_data, place);
                if is_painted(x, y) && old.name != *"A" {
                    assert!(found.abs_diff(grey) < 32, "{name} {x} {y}: {found:x} {grey:x}");
                } else {
                    // what was not stored is black
                    assert_eq!(found, before.unwrap_or(0), "{name} {} {x} {y}", old.name);
                }
            }
        }
    }

    // a film that must not say who was filmed
    let bare = painted(&clip, folder.path(), "bare", Kept::PictureAndSound);
    let mut names: Vec<_> = std::fs::read_dir(bare).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["00000001.exr", "00000002.exr", "00000003.exr"]);
}

#[test]
fn every_way_to_store_the_samples_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = Blocks::Tiles(Vec2(16, 16));
    for (number, (compression, blocks)) in [
        (Compression::Uncompressed, Blocks::ScanLines),
        (Compression::RLE, tiles),
        (Compression::ZIP16, tiles),
        (Compression::PIZ, tiles),
        (Compression::PXR24, Blocks::ScanLines),
        (Compression::B44, Blocks::ScanLines),
    ]
    .into_iter()
    .enumerate()
    {
        let mut image = flat(&["R", "G", "B"], true, SIZE, compression);
        image.layer_data.encoding.blocks = blocks;
        let path = folder.path().join(format!("{number}.exr"));
        write_file(&path, &file(&image));
        let before = read_back(&path);
        let out = painted(
            &Clip::open(&path).unwrap(),
            folder.path(),
            &format!("{number}-out.exr"),
            Kept::Everything,
        );
        let after = read_back(&out);
        let channels = |image: &Flat| image.layer_data.channel_data.list.clone();
        for (old, new) in channels(&before).iter().zip(&channels(&after)) {
            for place in
                (0..SIZE.0 * SIZE.1).filter(|p| !is_painted((p % SIZE.0) as i64, (p / SIZE.0) as i64))
            {
                assert_eq!(
                    bits(&new.sample_data, place),
                    bits(&old.sample_data, place),
                    "{compression} {place}"
                );
            }
        }
        assert!(matches!(after.layer_data.encoding.blocks, Blocks::ScanLines));
    }
}

#[test]
fn a_single_exr_becomes_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plate.exr");
    write_file(&path, &file(&flat(&["R", "G", "B", "A"], true, SIZE, Compression::ZIP16)));
    let clip = Clip::open(&path).unwrap();
    assert_eq!((clip.kind(), clip.frame_count()), (ClipKind::Picture, 1));
    for name in ["made.exr", "made.png", "made.jpg"] {
        check_output(&clip, Path::new(name)).unwrap();
        let out = painted(&clip, folder.path(), name, Kept::Everything);
        let made = Clip::open(&out).unwrap();
        let frame = made.read(0).unwrap().next_frame().unwrap().unwrap();
        assert_eq!(frame.is_linear(), name == "made.exr");
        let [x, y, ..] = PAINTED;
        let level = frame.rgb(PixelRect::new(x + 2, y + 2, 1, 1)).data[1];
        assert!((level - 0.5).abs() < 0.02, "{name}: {level}");
    }
    // 16 bits a sample
    assert_eq!(std::fs::read(folder.path().join("made.png")).unwrap()[24], 16);
    let error = check_output(&clip, Path::new("made.tif")).unwrap_err();
    assert!(error.hint().unwrap().contains("exr, png, jpg"), "{error}");

    // what counts is what is in the file, not what it is called
    let misnamed = folder.path().join("plate.tif");
    std::fs::copy(&path, &misnamed).unwrap();
    let clip = Clip::open(&misnamed).unwrap();
    check_output(&clip, Path::new("again.exr")).unwrap();
    let again = painted(&clip, folder.path(), "again.exr", Kept::Everything);
    assert_eq!(read_back(&again).layer_data.size, Vec2::from(SIZE));

    // no light is made up for what was never linear
    let png = folder.path().join("still.png");
    write_file(&png, &RgbImage::filled(SIZE.0, SIZE.1, [0.5; 3]).encode_png().unwrap());
    assert!(check_output(&Clip::open(&png).unwrap(), Path::new("made.exr")).is_err());
}

#[test]
fn pictures_of_16_bits_stay_so_and_keep_what_is_not_painted() {
    let folder = tempfile::tempdir().unwrap();
    let shot = folder.path().join("deep");
    std::fs::create_dir(&shot).unwrap();
    let deep = image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(SIZE.0 as u32, SIZE.1 as u32, |x, y| {
        image::Rgb([x * 1601 + y, y * 2711 + 3 * x, x * y * 67 + 1].map(|value| value as u16))
    });
    for name in ["a.png", "b.tif"] {
        deep.save(shot.join(name)).unwrap();
    }
    let clip = Clip::open(&shot).unwrap();
    let out = painted(&clip, folder.path(), "out", Kept::Everything);
    for name in ["a.png", "b.png"] {
        let image::DynamicImage::ImageRgb16(made) = image::open(out.join(name)).unwrap() else {
            panic!("{name} is not RGB of 16 bits")
        };
        for (x, y, pixel) in made.enumerate_pixels() {
            let wanted = match is_painted(x.into(), y.into()) {
                true => [32_768; 3],
                false => deep.get_pixel(x, y).0,
            };
            assert_eq!(pixel.0, wanted, "{name} {x} {y}");
        }
    }
}

/// Puts 16 bytes where an attribute's rectangle lies.
fn with_window(bytes: &[u8], name: &str, corners: [i32; 4]) -> Vec<u8> {
    let mark = format!("{name}\0box2i\0");
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap() + mark.len() + 4;
    let mut bytes = bytes.to_vec();
    bytes[at..at + 16].copy_from_slice(&corners.map(i32::to_le_bytes).concat());
    bytes
}

#[test]
fn what_cannot_be_read_is_said_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plate.exr");
    let open = |bytes: &[u8]| {
        write_file(&path, bytes);
        Clip::open(&path)
    };
    let error = |bytes: &[u8]| match open(bytes) {
        Err(MediaError::Picture { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    let good = file(&flat(&["R", "G", "B"], true, SIZE, Compression::ZIP16));

    // cut off: in the header when it is opened, in the pixels when they are read
    for length in 5..good.len() {
        let cut = open(&good[..length]).and_then(|clip| clip.read(0)?.next_frame()).unwrap_err();
        assert!(matches!(&cut, MediaError::Picture { source: ImageError::NotExr(_), .. }), "{length}: {cut}");
        assert!(cut.hint().is_some());
    }

    // 65535 pixels a side, and as many as would take 1.5 GiB
    for name in ["dataWindow", "displayWindow"] {
        let large = error(&with_window(&good, name, [0, 0, 65_534, 65_534]));
        assert!(matches!(large, ImageError::BadSize { width: 65_535, height: 65_535 }), "{large}");
    }
    let large = error(&with_window(&good, "dataWindow", [0, 0, 16_383, 16_383]));
    assert!(matches!(large, ImageError::TooLarge { .. }) && large.hint().is_some(), "{large}");
    assert!(Clip::open(&path).is_err());
    for corners in [[0, 0, i32::MAX, i32::MAX], [i32::MIN, i32::MIN, i32::MAX, i32::MAX]] {
        error(&with_window(&good, "dataWindow", corners));
    }

    // other kinds
    let kind = |bytes: &[u8]| match error(bytes) {
        ImageError::ExrKind { found } => found,
        other => panic!("{other}"),
    };
    let named = |names: &[&str]| file(&flat(names, true, SIZE, Compression::ZIP16));
    let mut deep = good.clone();
    deep[5] |= 8;
    assert_eq!(kind(&deep), "deep pixels");
    assert_eq!(kind(&named(&["Y", "RY", "BY"])), "the channels BY, RY, Y");
    assert_eq!(kind(&named(&["R", "G", "B", "Z"])), "the channels B, G, R, Z");
    assert_eq!(kind(&named(&["R", "G"])), "the channels G, R");
    let mut whole = flat(&["R", "G", "B"], true, SIZE, Compression::ZIP16);
    whole.layer_data.channel_data.list[1].sample_data = FlatSamples::U32(vec![7; SIZE.0 * SIZE.1]);
    assert_eq!(kind(&file(&whole)), "whole numbers in channel G");
    let layer = |name: &str| {
        let encoding = Encoding::FAST_LOSSLESS;
        Layer::new(SIZE, LayerAttributes::named(name), encoding, channels(&["R", "G", "B"], true, SIZE))
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let attributes = ImageAttributes::new(IntegerBounds::from_dimensions(SIZE));
    let two = Image::from_layers(attributes, vec![layer("beauty"), layer("light")]);
    two.write().to_buffered(&mut bytes).unwrap();
    assert_eq!(kind(&bytes.into_inner()), "2 layers");
}

#[test]
fn no_damage_to_a_header_ends_in_more_than_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plate.exr");
    let good = file(&flat(&["R", "G", "B"], true, SIZE, Compression::ZIP16));
    // the header ends before the table of lines; what follows is guarded by the decoder's own sizes
    for at in 4..420 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            write_file(&path, &bytes);
            if let Ok(clip) = Clip::open(&path) {
                let _ = clip.read(0).and_then(|mut reader| reader.next_frame());
            }
        }
    }
}
