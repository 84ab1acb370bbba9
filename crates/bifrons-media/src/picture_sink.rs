//! Pictures out: a folder of PNG files a chunk; OpenEXR stays OpenEXR.

use std::collections::HashSet;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

use image::ImageEncoder;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};

use crate::clip::{Clip, ClipKind, PictureFile};
use crate::frame::{Frame, Samples};
use crate::picture_frame::{EncodedPicture, PictureFrame};
use crate::pictures::{self, picture_error};
use crate::{ImageError, Kept, MediaError, exr_file};

/// Quality of a JPEG file, where the user asks for one by name.
const JPEG_QUALITY: u8 = 95;

/// Writes the pictures of one chunk into a folder.
#[derive(Debug)]
pub(crate) struct PictureSink {
    names: Vec<String>,
    first: usize,
    folder: PathBuf,
}

impl PictureSink {
    pub(crate) fn start(clip: &Clip, frames: Range<usize>, folder: &Path) -> Result<Self, MediaError> {
        std::fs::create_dir_all(folder).map_err(|e| MediaError::io(folder, e))?;
        // A part that was left behind holds pictures of an earlier try.
        for file in files_in(folder)? {
            if file.extension().is_some_and(|e| e == "png" || e == "exr") {
                std::fs::remove_file(&file).map_err(|e| MediaError::io(&file, e))?;
            }
        }
        Ok(Self {
            names: output_names(clip)[frames.clone()].to_vec(),
            first: frames.start,
            folder: folder.to_owned(),
        })
    }

    pub(crate) fn write(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let Samples::Picture(picture) = &frame.samples else {
            return Err(MediaError::PatchMismatch { detail: "a frame of another clip".to_owned() });
        };
        let path = self.folder.join(&self.names[frame.index() - self.first]);
        let bytes = match picture {
            PictureFrame::Encoded(picture) => encode_png(picture),
            PictureFrame::Linear(picture) => exr_file::encode(picture),
        };
        let bytes = bytes.map_err(|e| picture_error(&path, e))?;
        write_part(&path, &bytes)
    }

    pub(crate) fn finish(self) -> Result<(), MediaError> {
        check_names(&self.folder, &self.names)
    }
}

/// Joins picture chunks: one file for a single picture, a folder of files for a folder.
pub(crate) fn join(
    clip: &Clip,
    chunks: &[PathBuf],
    out_part: &Path,
    final_name: &Path,
    kept: Kept,
) -> Result<(), MediaError> {
    let names = output_names(clip);
    let mut files = Vec::new();
    for chunk in chunks {
        files.extend(files_in(chunk)?);
    }
    let found: HashSet<_> = files.iter().filter_map(|f| f.file_name()).collect();
    if found.len() != names.len() || files.len() != names.len() {
        return Err(MediaError::WrongResult {
            path: out_part.to_owned(),
            what: "number of pictures in the chunks",
            expected: names.len().to_string(),
            found: files.len().to_string(),
        });
    }
    if clip.kind == ClipKind::PictureFolder {
        std::fs::create_dir_all(out_part).map_err(|e| MediaError::io(out_part, e))?;
        let names = match kept {
            Kept::Everything => names,
            // the footage's names may say who was filmed
            Kept::PictureAndSound => numbered(clip),
        };
        for (file, name) in files.iter().zip(&names) {
            copy(file, &out_part.join(name))?;
        }
        return check_names(out_part, &names);
    }
    let made = &files[0];
    if is_jpeg(final_name) || has_exr_name(made) != has_exr_name(final_name) {
        let picture = pictures::decode(made)?.into_encoded();
        let bytes = if is_jpeg(final_name) { encode_jpeg(&picture) } else { encode_png(&picture) };
        return write_part(out_part, &bytes.map_err(|e| picture_error(out_part, e))?);
    }
    copy(made, out_part)
}

fn copy(made: &Path, to: &Path) -> Result<(), MediaError> {
    std::fs::copy(made, to).map(|_| ()).map_err(|e| MediaError::io(to, e))
}

/// Whether the finished picture can have this name.
pub(crate) fn check_name(clip: &Clip, final_name: &Path) -> Result<(), MediaError> {
    let png = final_name.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let is_exr = clip.pictures.iter().all(|picture| picture.is_exr);
    if clip.kind == ClipKind::PictureFolder
        || png
        || is_jpeg(final_name)
        || (is_exr && has_exr_name(final_name))
    {
        return Ok(());
    }
    Err(MediaError::UnknownContainer {
        name: final_name.display().to_string(),
        extension: extension_text(final_name),
        possible: if is_exr { "exr, png, jpg" } else { "png, jpg" },
    })
}

/// The extension for messages.
pub(crate) fn extension_text(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
}

fn has_exr_name(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("exr"))
}

fn is_jpeg(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"))
}

/// File names of the finished pictures: those of the footage with the ending `png`, or `exr` where they are that; the whole
/// name and this behind it where two would be the same.
fn output_names(clip: &Clip) -> Vec<String> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let stems: Vec<_> = clip.pictures.iter().map(|p| text(p.path.file_stem())).collect();
    let mut seen = HashSet::new();
    let unique = stems.iter().all(|s| seen.insert(s.to_lowercase()));
    clip.pictures
        .iter()
        .zip(&stems)
        .map(|(file, stem)| {
            let base = if unique { stem.clone() } else { text(file.path.file_name()) };
            format!("{base}.{}", if file.is_exr { "exr" } else { "png" })
        })
        .collect()
}

/// Names that say nothing but the order.
fn numbered(clip: &Clip) -> Vec<String> {
    let name = |(number, file): (usize, &PictureFile)| {
        format!("{:08}.{}", number + 1, if file.is_exr { "exr" } else { "png" })
    };
    clip.pictures.iter().enumerate().map(name).collect()
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, MediaError> {
    let io = |e| MediaError::io(folder, e);
    let mut files = std::fs::read_dir(folder)
        .map_err(io)?
        .map(|entry| entry.map(|e| e.path()).map_err(io))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();
    Ok(files)
}

fn check_names(folder: &Path, names: &[String]) -> Result<(), MediaError> {
    let files = files_in(folder)?;
    let found: HashSet<_> = files.iter().filter_map(|f| f.file_name()?.to_str()).collect();
    if files.len() == names.len() && names.iter().all(|n| found.contains(n.as_str())) {
        return Ok(());
    }
    Err(MediaError::WrongResult {
        path: folder.to_owned(),
        what: "pictures in the folder",
        expected: names.len().to_string(),
        found: files.len().to_string(),
    })
}

fn encode_png(frame: &EncodedPicture) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(Cursor::new(&mut bytes));
    if let Some(profile) = &frame.icc_profile {
        // PNG holds any profile.
        let _ = encoder.set_icc_profile(profile.clone());
    }
    frame.picture.write_with_encoder(encoder).map_err(ImageError::Encode)?;
    Ok(bytes)
}

fn encode_jpeg(frame: &EncodedPicture) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    if let Some(profile) = &frame.icc_profile {
        // A profile too large for JPEG is left out; the colours then are sRGB's.
        let _ = encoder.set_icc_profile(profile.clone());
    }
    encoder.encode_image(&frame.picture.to_rgb8()).map_err(ImageError::Encode)?;
    Ok(bytes)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the path is a part that the caller renames once it is finished"
)]
fn write_part(path: &Path, bytes: &[u8]) -> Result<(), MediaError> {
    std::fs::write(path, bytes).map_err(|e| MediaError::io(path, e))
}
