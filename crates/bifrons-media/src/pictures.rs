//! Pictures as clips: one file, or a folder of files.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::clip::{Clip, ClipKind, FrameTime, Rational};
use crate::color::{ColorInfo, Matrix, Range};
use crate::layout::Rotation;
use crate::picture_frame::PictureFrame;
use crate::rgb_image::{decode_upright, upright_size};
use crate::{MediaError, Tools};

/// Largest picture file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Frames a second of a folder of pictures.
const FPS: u32 = 25;
/// Endings of file names that count as pictures in a folder.
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff"];

fn has_picture_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(e)))
}

/// Whether a file is a picture, by its first bytes (and its name for BMP, whose mark is short).
pub(crate) fn is_picture_file(path: &Path) -> Result<bool, MediaError> {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(|e| MediaError::io(path, e))?;
    Ok(head.starts_with(b"\x89PNG\r\n\x1a\n")
        || head.starts_with(b"\xff\xd8\xff")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || head.starts_with(b"II*\0")
        || head.starts_with(b"MM\0*")
        || (head.starts_with(b"BM") && has_picture_extension(path)))
}

/// Opens one picture as a clip of one frame.
pub(crate) fn open_single(path: &Path, tools: &Tools) -> Result<Clip, MediaError> {
    let size = size_of(path)?;
    Ok(clip(path, tools, ClipKind::Picture, vec![path.to_owned()], size))
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
    let size = size_of(&first)?;
    for picture in &pictures[1..] {
        let found = size_of(picture)?;
        if found != size {
            return Err(MediaError::SizesDiffer {
                path: picture.clone(),
                found: format!("{}x{}", found.0, found.1),
                first,
                expected: format!("{}x{}", size.0, size.1),
            });
        }
    }
    Ok(clip(path, tools, ClipKind::PictureFolder, pictures, size))
}

fn clip(
    path: &Path,
    tools: &Tools,
    kind: ClipKind,
    pictures: Vec<PathBuf>,
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

fn read_file(path: &Path) -> Result<Vec<u8>, MediaError> {
    let io = |e| MediaError::io(path, e);
    let file = std::fs::File::open(path).map_err(io)?;
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

fn size_of(path: &Path) -> Result<(usize, usize), MediaError> {
    upright_size(&read_file(path)?).map_err(|source| MediaError::Picture { path: path.to_owned(), source })
}

/// Decodes one picture of a clip.
pub(crate) fn decode(path: &Path) -> Result<PictureFrame, MediaError> {
    let (picture, icc_profile) = decode_upright(&read_file(path)?)
        .map_err(|source| MediaError::Picture { path: path.to_owned(), source })?;
    Ok(PictureFrame::new(picture, icc_profile))
}
