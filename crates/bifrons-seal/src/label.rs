//! A visible line in the lower left corner: for films without a record of consent.

use bifrons_media::{Frame, MediaError, PixelRect, RgbImage};

/// What it says.
pub const NO_CONSENT: &str = "NO CONSENT RECORD";

/// Columns and rows of a letter, and from one to the next.
const LETTER: (usize, usize) = (5, 7);
const STEP: usize = 6;
/// A letter's dot is one pixel for so many of the frame's shorter side.
const DOT: usize = 240;

/// The letters that are needed, row by row, leftmost dot highest.
const LETTERS: [(char, [u8; 7]); 8] = [
    ('C', [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]),
    ('D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('N', [0b10001, 0b11001, 0b10101, 0b10101, 0b10011, 0b10001, 0b10001]),
    ('O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
];

/// Where the line stands in a frame of that size, with its margin.
#[must_use]
pub fn place(width: usize, height: usize) -> PixelRect {
    let dot = dot_px(width, height);
    let margin = 2 * dot;
    let line = ((NO_CONSENT.chars().count() * STEP + 3) * dot).min(width.saturating_sub(2 * margin));
    let tall = ((LETTER.1 + 4) * dot).min(height.saturating_sub(2 * margin));
    PixelRect::new(margin, height - margin - tall, line, tall)
}

/// Writes [`NO_CONSENT`] into a frame, light on what is darkened below; everything else stays as it is.
///
/// # Errors
/// None that can happen: the place lies in the frame.
pub fn draw(frame: &mut Frame) -> Result<(), MediaError> {
    let rect = place(frame.width_px(), frame.height_px());
    let mut image = frame.rgb(rect);
    write(&mut image, dot_px(frame.width_px(), frame.height_px()));
    let alpha = vec![1.0; rect.area_px()];
    frame.set_rgb(rect, &image, &alpha)
}

/// [`draw`] for a picture: a look at a film that is not made yet.
pub fn draw_on(picture: &mut RgbImage) {
    let rect = place(picture.width, picture.height);
    let mut line = picture.crop(rect);
    write(&mut line, dot_px(picture.width, picture.height));
    picture.paste(&line, rect.x, rect.y);
}

fn dot_px(width: usize, height: usize) -> usize {
    (width.min(height) / DOT).max(1)
}

fn write(line: &mut RgbImage, dot: usize) {
    let width = line.width.max(1);
    for (at, pixel) in line.data.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % width / dot, at / width / dot);
        let lit = is_lit(x, y);
        pixel.iter_mut().for_each(|value| *value = if lit { 0.92 } else { 0.35 * *value });
    }
}

/// Whether a dot of the line belongs to a letter; two dots of margin around.
fn is_lit(x: usize, y: usize) -> bool {
    let (Some(x), Some(y)) = (x.checked_sub(2), y.checked_sub(2)) else { return false };
    if x % STEP >= LETTER.0 || y >= LETTER.1 {
        return false;
    }
    let letter = NO_CONSENT.chars().nth(x / STEP);
    let rows = LETTERS.iter().find(|(known, _)| Some(*known) == letter).map(|(_, rows)| rows);
    rows.is_some_and(|rows| rows[y] >> (LETTER.0 - 1 - x % STEP) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_there_and_the_line_fits() {
        let missing = |letter: &char| *letter != ' ' && LETTERS.iter().all(|(known, _)| known != letter);
        assert_eq!(NO_CONSENT.chars().find(missing), None);
        for (width, height) in [(1920, 1080), (360, 288), (720, 1280), (128, 128), (16, 16)] {
            let rect = place(width, height);
            assert!(rect.end_x() <= width && rect.end_y() <= height, "{rect:?} in {width}x{height}");
        }
        assert!(is_lit(2, 2) && !is_lit(3, 2) && !is_lit(0, 0));
    }
}
