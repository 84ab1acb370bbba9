//! The preview: faces, how the network draws them, and how it draws them as somebody else.

use bifrons_media::{ImageError, ResizeFilter, RgbImage};
use bifrons_net::{Device, Hourglass, Preset, Tensor};

use crate::Faceset;
use crate::augment::{Sample, Variation, write_sample};

/// Faces of each person in the preview.
const FACES: usize = 8;
/// Side of a cell, in pixels.
const CELL_PX: usize = 128;
/// How bright the surroundings are that the network does not draw.
const SURROUNDINGS: f32 = 0.35;

/// Draws the preview. For each person a block of rows: their faces, then these faces drawn as each person,
/// themselves first. The faces are always the same ones, spread over the clip, so that previews can be compared.
///
/// # Errors
/// [`ImageError`] when the preset's sizes cannot be scaled to the preview's.
pub fn draw_preview(
    net: &Hourglass,
    facesets: &[Faceset],
    preset: &Preset,
    device: &Device,
) -> Result<RgbImage, ImageError> {
    let [seen_px, size_px] = [preset.network.input_px, preset.network.output_px];
    let [seen_area, area] = [seen_px, size_px].map(|side| side * side);
    let rows = facesets.len() * (1 + facesets.len());
    let mut sheet = RgbImage::new(FACES * CELL_PX, rows * CELL_PX);
    for (person, faceset) in facesets.iter().enumerate() {
        let mut input = vec![0.0; FACES * 3 * seen_area];
        let mut truth = vec![0.0; FACES * 3 * area];
        let mut weight = vec![0.0; FACES * area];
        for cell in 0..FACES {
            let face = &faceset.faces[(2 * cell + 1) * faceset.faces.len() / (2 * FACES)];
            let mut sample = Sample {
                input: &mut input[cell * 3 * seen_area..][..3 * seen_area],
                truth: &mut truth[cell * 3 * area..][..3 * area],
                weight: &mut weight[cell * area..][..area],
            };
            write_sample(face, &Variation::none(), &mut sample);
        }
        let faces = Tensor::<1>::from_floats(input.as_slice(), device).reshape([FACES, 3, seen_px, seen_px]);
        let unfolded = net.encoder.forward(faces);
        let first_row = person * (1 + facesets.len());
        paste_row(&mut sheet, first_row, size_px, |cell, c, p| truth[(cell * 3 + c) * area + p])?;

        let others = (0..facesets.len()).filter(|&other| other != person);
        for (row, painter) in std::iter::once(person).chain(others).enumerate() {
            let drawn = net.decoders[painter].forward(unfolded.clone()).into_data();
            let drawn: Vec<f32> = drawn.iter::<f32>().collect();
            paste_row(&mut sheet, first_row + 1 + row, size_px, |cell, c, p| {
                let mask = weight[cell * area + p].min(1.0);
                let at = (cell * 3 + c) * area + p;
                mask * drawn[at] + (1.0 - mask) * SURROUNDINGS * truth[at]
            })?;
        }
    }
    Ok(sheet)
}

/// Puts a row of cells into the sheet; `value` gives channel `c` of pixel `p` of a cell.
fn paste_row(
    sheet: &mut RgbImage,
    row: usize,
    size_px: usize,
    value: impl Fn(usize, usize, usize) -> f32,
) -> Result<(), ImageError> {
    for cell in 0..FACES {
        let pixels = (0..size_px * size_px).flat_map(|p| [0, 1, 2].map(|c| value(cell, c, p)));
        let face = RgbImage::from_data(size_px, size_px, pixels.collect())?;
        let face = face.resize(CELL_PX, CELL_PX, ResizeFilter::Bilinear)?;
        sheet.paste(&face, cell * CELL_PX, row * CELL_PX);
    }
    Ok(())
}
