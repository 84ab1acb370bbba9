//! Lines of one image in f32 with zeros around them.

/// Which lines, and how much room they have.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// The first line; beyond the image there are zeros.
    pub(super) first: isize,
    /// How many.
    pub(super) count: usize,
    /// Pixels of zeros on the left.
    pub(super) before: usize,
    /// Pixels of a line, zeros on both sides included.
    pub(super) pixels: usize,
    /// Numbers of a pixel.
    pub(super) pixel: usize,
}

pub(super) struct Lines {
    values: Vec<f32>,
    /// Numbers of a pixel and of a line.
    pub(super) pixel: usize,
    line: usize,
}

impl Lines {
    /// `write(line, numbers)` fills each line that the image, `height` lines high, has; numbers begin at its first pixel.
    #[inline(always)]
    pub(super) fn new(room: Room, height: usize, mut write: impl FnMut(usize, &mut [f32])) -> Self {
        let Room { first, count, before, pixels, pixel } = room;
        let line = pixels * pixel;
        let mut values = vec![0.0; count * line];
        for (number, to) in values.chunks_exact_mut(line).enumerate() {
            let y = first + number as isize;
            if (0..height as isize).contains(&y) {
                write(y as usize, &mut to[before * pixel..]);
            }
        }
        Self { values, pixel, line }
    }

    /// All numbers from a pixel on.
    #[inline(always)]
    pub(super) fn at(&self, line: usize, x: usize) -> &[f32] {
        &self.values[line * self.line + x * self.pixel..]
    }
}
