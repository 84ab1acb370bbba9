//! The preview: faces, how the network draws them, and how it draws them as somebody else.

use bifrons_media::{ImageError, ResizeFilter, RgbImage};
use bifrons_net::{Device, Geometry, Hourglass, Preset};
use bifrons_vision::align::FlatMask;

use crate::Faceset;
use crate::augment::Filmed;

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
    let size_px = preset.network.output_px;
    let area = size_px * size_px;
    let rows = facesets.len() * (1 + facesets.len());
    let mut sheet = RgbImage::new(FACES * CELL_PX, rows * CELL_PX);
    // a flattened face has its place, whether all of it was filmed or not: inside closed lips it was not
    let flat = (preset.network.geometry == Geometry::Flattened).then(|| FlatMask::new(size_px, 1.0));
    for (person, faceset) in facesets.iter().enumerate() {
        let Filmed { input, truth, weight } = Filmed::new(&faceset.spread(FACES), &preset.network, device);
        let unfolded = net.encoder.forward(input);
        let first_row = person * (1 + facesets.len());
        paste_row(&mut sheet, first_row, size_px, &truth)?;

        let others = (0..facesets.len()).filter(|&other| other != person);
        for (row, painter) in std::iter::once(person).chain(others).enumerate() {
            let drawn = net.decoders[painter].forward(unfolded.clone()).into_data();
            let mut drawn: Vec<f32> = drawn.iter::<f32>().collect();
            for (at, drawn) in drawn.iter_mut().enumerate() {
                let (cell, pixel) = (at / (3 * area), at % area);
                let mask = flat.as_ref().map_or(weight[cell * area + pixel].min(1.0), |f| f.inside()[pixel]);
                *drawn = mask * *drawn + (1.0 - mask) * SURROUNDINGS * truth[at];
            }
            paste_row(&mut sheet, first_row + 1 + row, size_px, &drawn)?;
        }
    }
    Ok(sheet)
}

/// Puts a row of cells into the sheet, of planes `[cell][3][size][size]`.
fn paste_row(sheet: &mut RgbImage, row: usize, size_px: usize, cells: &[f32]) -> Result<(), ImageError> {
    for (cell, planes) in cells.chunks_exact(3 * size_px * size_px).enumerate() {
        let face = RgbImage::from_planes(size_px, size_px, planes)?;
        let face = face.resize(CELL_PX, CELL_PX, ResizeFilter::Bilinear)?;
        sheet.paste(&face, cell * CELL_PX, row * CELL_PX);
    }
    Ok(())
}
