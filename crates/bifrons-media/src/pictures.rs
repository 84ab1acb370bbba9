//! Pictures as clips: one file, or a folder of files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::clip::{Clip, ClipKind, FrameTime, PictureFile, Rational};
use crate::color::{ColorInfo, Matrix, Range};
use crate::layout::Rotation;
use crate::picture_frame::{EncodedPicture, PictureFrame};
use crate::rgb_image::{decode_upright, upright_size};
use crate::{ImageError, MediaError, Tools, exr_file};

/// Largest picture file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Frames a second of a folder of pictures.
const FPS: u32 = 25;
/// Endings of file names that count as pictures in a folder.
const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "exr"];

fn has_picture_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(e)))
}

/// Whether a file is a picture, by its first bytes (and its name for BMP, whose mark is short).
pub(crate) fn is_picture_file(path: &Path) -> Result<bool, MediaError> {
    let head = head_of(path)?;
    Ok(exr_file::is_exr(&head)
        || head.starts_with(b"\x89PNG\r\n\x1a\n")
        || head.starts_with(b"\xff\xd8\xff")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || head.starts_with(b"II*\0")
        || head.starts_with(b"MM\0*")
        || (head.starts_with(b"BM") && has_picture_extension(path)))
}

fn head_of(path: &Path) -> Result<Vec<u8>, MediaError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(|e| MediaError::io(path, e))?;
    Ok(head)
}

/// Opens one picture as a clip of one frame.
pub(crate) fn open_single(path: &Path, tools: &Tools) -> Result<Clip, MediaError> {
    let (size, is_exr) = look_at(path)?;
    let file = PictureFile { path: path.to_owned(), is_exr };
    Ok(clip(path, tools, ClipKind::Picture, vec![file], size))
}

/// Opens a folder of pictures, sorted by name; other files and hidden ones are passed over.
pub(crate) fn open_folder(path: &Path, tools: &Tools) -> Result<Clip, MediaError> {
    let io = |e| MediaError::io(path, e);
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let file = entry.path();
        if !hidden && has_picture_extension(&file) && file.is_file() {
            pictures.push(file);
        }
    }
    pictures.sort();
    let Some(first) = pictures.first().cloned() else {
        return Err(MediaError::NoPictures { path: path.to_owned() });
    };
    let mut files = Vec::with_capacity(pictures.len());
    let mut size = None;
    for path in pictures {
        let (found, is_exr) = look_at(&path)?;
        let size = *size.get_or_insert(found);
        if found != size {
            return Err(MediaError::SizesDiffer {
                path,
                found: format!("{}x{}", found.0, found.1),
                first,
                expected: format!("{}x{}", size.0, size.1),
            });
        }
        files.push(PictureFile { path, is_exr });
    }
    Ok(clip(path, tools, ClipKind::PictureFolder, files, size.unwrap_or_default()))
}

/// Endings of photographs, which cameras number through as well.
const PHOTOGRAPHS: [&str; 3] = ["jpg", "jpeg", "webp"];

/// Whether names end in numbers that count up by one behind the same beginning, and not as photographs do; two pictures at
/// least.
pub(crate) fn are_numbered(files: &[PictureFile]) -> bool {
    let split = |file: &PictureFile| {
        let ending = file.path.extension()?.to_str()?.to_lowercase();
        if PHOTOGRAPHS.contains(&ending.as_str()) {
            return None;
        }
        let stem = file.path.file_stem()?.to_str()?.to_owned();
        let beginning = stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = stem[beginning..].parse().ok()?;
        Some((stem[..beginning].to_owned(), number))
    };
    let Some(names) = files.iter().map(split).collect::<Option<Vec<_>>>() else { return false };
    names.len() > 1
        && names.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1.checked_add(1) == Some(pair[1].1))
}

fn clip(
    path: &Path,
    tools: &Tools,
    kind: ClipKind,
    pictures: Vec<PictureFile>,
    (width, height): (usize, usize),
) -> Clip {
    let frames = (0..pictures.len() as i64)
        .map(|i| FrameTime { pts_ticks: i, duration_ticks: 1, keyframe: true })
        .collect::<Vec<_>>();
    Clip {
        path: path.to_owned(),
        tools: tools.clone(),
        kind,
        stored_width_px: width,
        stored_height_px: height,
        rotation: Rotation::None,
        time_base: Rational { num: 1, den: FPS },
        declared_frames: frames.len(),
        frames: frames.into(),
        color: ColorInfo {
            matrix: Matrix::Bt709,
            range: Range::Full,
            primaries: None,
            transfer: None,
            matrix_tag: None,
            range_tagged: false,
            assumed: false,
        },
        sound: Vec::new(),
        stored_sample_aspect: Rational { num: 1, den: 1 },
        codec: "picture".to_owned(),
        pixel_format: "rgb".to_owned(),
        video: None,
        pictures: pictures.into(),
    }
}

/// All of a picture file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, MediaError> {
    let io = |e| MediaError::io(path, e);
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length == 0 {
        return Err(MediaError::Empty { path: path.to_owned() });
    }
    if length > MAX_FILE_BYTES {
        return Err(MediaError::Unsupported {
            path: path.to_owned(),
            what: "a picture file of more than 1 GiB",
            found: format!("{length} bytes"),
            hint: None,
        });
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Size in pixels, and whether it is OpenEXR.
fn look_at(path: &Path) -> Result<((usize, usize), bool), MediaError> {
    let is_exr = exr_file::is_exr(&head_of(path)?);
    if is_exr {
        // sequences of them are large: their pixels are not read to learn their size
        let file = File::open(path).map_err(|e| MediaError::io(path, e))?;
        let size = exr_file::size(BufReader::new(file));
        return Ok((size.map_err(|source| picture_error(path, source))?, is_exr));
    }
    let size = upright_size(&read_file(path)?);
    Ok((size.map_err(|source| picture_error(path, source))?, is_exr))
}

/// Decodes one picture of a clip.
pub(crate) fn decode(path: &Path) -> Result<PictureFrame, MediaError> {
    let bytes = read_file(path)?;
    let picture = if exr_file::is_exr(&bytes) {
        exr_file::decode(&bytes).map(|picture| PictureFrame::Linear(Box::new(picture)))
    } else {
        decode_upright(&bytes)
            .map(|(picture, profile)| PictureFrame::Encoded(EncodedPicture::new(picture, profile)))
    };
    picture.map_err(|source| picture_error(path, source))
}

/// What is wrong with a picture, with its name.
pub(crate) fn picture_error(path: &Path, source: ImageError) -> MediaError {
    MediaError::Picture { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn film_is_told_from_stills_by_its_numbers() {
        let numbered = |names: &[&str]| {
            let file = |name: &&str| PictureFile { path: Path::new("shot").join(name), is_exr: false };
            are_numbered(&names.iter().map(file).collect::<Vec<_>>())
        };
        assert!(numbered(&["shot.0099.exr", "shot.0100.exr", "shot.0101.exr"]));
        assert!(numbered(&["1.png", "2.png"]));
        assert!(!numbered(&["0001.png"]));
        assert!(!numbered(&["0001.png", "0003.png"]), "one is missing");
        assert!(!numbered(&["a1.png", "b2.png"]));
        assert!(!numbered(&["1.png", "10.png", "2.png"]), "out of order");
        assert!(!numbered(&["beach.png", "city.png"]));
        assert!(!numbered(&["IMG_0001.JPG", "IMG_0002.JPG"]), "photographs");
        assert!(!numbered(&["99999999999999999999999.png", "2.png"]));
    }
}
