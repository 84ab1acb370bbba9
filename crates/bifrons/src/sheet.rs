//! `bifrons sheet`: a contact sheet, because people would rather look than read.

use std::path::Path;

use bifrons_media::{Clip, PixelRect, ResizeFilter, RgbImage};
use bifrons_project::{Layout, atomic};
use bifrons_seal::{Kind, Making};

use crate::commands::publish_sealed;
use crate::failure::{Finished, Usage};

/// Frames side by side.
const COLUMNS: usize = 6;
/// Width of a frame on the sheet, in pixels.
const FRAME_WIDTH_PX: usize = 240;
const JPEG_QUALITY: u8 = 90;

pub(crate) fn run(
    footage: &Path,
    result: &Path,
    project: Option<&Path>,
    output: &Path,
) -> anyhow::Result<Finished> {
    let mut rows = vec![row_of(footage)?, row_of(result)?];
    if let Some(project) = project {
        let path = Layout::new(project).preview();
        let preview = RgbImage::decode(&std::fs::read(path)?)?;
        rows.push(scaled_to_width(&preview, COLUMNS * FRAME_WIDTH_PX)?);
    }
    let mut sheet = RgbImage::new(COLUMNS * FRAME_WIDTH_PX, rows.iter().map(|row| row.height).sum());
    let mut y = 0;
    for row in &rows {
        sheet.paste(row, 0, y);
        y += row.height;
    }
    let bytes = match output.extension().and_then(|ending| ending.to_str()) {
        Some("jpg" | "jpeg") => sheet.encode_jpeg(JPEG_QUALITY)?,
        Some("png") => sheet.encode_png()?,
        _ => return Err(Usage(format!("{} should end in .jpg or .png", output.display())).into()),
    };
    let part = atomic::part_path(output);
    atomic::write(&part, &bytes)?;
    let inputs = vec![footage.to_owned(), result.to_owned()];
    publish_sealed(&part, output, Making::new(Kind::Sheet, 1), inputs)?;
    Ok(Finished { outputs: vec![output.to_owned()], ..Finished::default() })
}

/// Frames spread evenly over a clip, side by side.
fn row_of(path: &Path) -> anyhow::Result<RgbImage> {
    let clip = Clip::open(path)?;
    let count = clip.frame_count();
    let wanted: Vec<usize> = (0..COLUMNS).map(|column| (2 * column + 1) * count / (2 * COLUMNS)).collect();
    let mut row: Option<RgbImage> = None;
    let mut reader = clip.read(0)?;
    while let Some(frame) = reader.next_frame()? {
        for (column, _) in wanted.iter().enumerate().filter(|&(_, &index)| index == frame.index()) {
            let picture = frame.rgb(PixelRect::whole(clip.width_px(), clip.height_px()));
            let picture = scaled_to_width(&picture, FRAME_WIDTH_PX)?;
            let row = row.get_or_insert_with(|| RgbImage::new(COLUMNS * FRAME_WIDTH_PX, picture.height));
            row.paste(&picture, column * FRAME_WIDTH_PX, 0);
        }
    }
    row.ok_or_else(|| anyhow::anyhow!("{} has no frames", path.display()))
}

fn scaled_to_width(picture: &RgbImage, width_px: usize) -> anyhow::Result<RgbImage> {
    let height_px = (picture.height * width_px / picture.width).max(1);
    Ok(picture.resize(width_px, height_px, ResizeFilter::Area)?)
}
