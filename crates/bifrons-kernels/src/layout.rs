//! How activations lie in memory.
//!
//! An image line of all images lies together: `[y][position][channel]`, where a position is a pixel of one
//! image. Between the images of a line (or left and right of all of them) lie zeros, so that a kernel that
//! reaches beyond the border reads zeros and no case distinction is needed. Rows of a matrix tile are then
//! positions at equal distances: a convolution reads its input in place, without ever copying patches.

/// Sizes of a stack of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dims {
    /// How many images.
    pub images: usize,
    /// Lines of an image.
    pub height: usize,
    /// Pixels of a line.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl Dims {
    /// All numbers of all images.
    #[must_use]
    pub fn count(&self) -> usize {
        self.images * self.height * self.width * self.channels
    }
}

/// What changes fastest along a line, after the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Pixels of one image lie together: for few channels or few images.
    Pixels,
    /// The same pixel of all images lies together: small images waste nothing, strides cost nothing.
    Images,
}

/// Where each number lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// What is stored.
    pub dims: Dims,
    /// Channels of a position in memory; those beyond `dims.channels` are zero.
    pub stored: usize,
    /// What lies together.
    pub order: Order,
    /// Pixels of zeros beyond the border.
    pub pad: usize,
}

impl Layout {
    /// Positions of a line, zeros included.
    #[must_use]
    pub fn positions(&self) -> usize {
        let Dims { images, width, .. } = self.dims;
        match self.order {
            // the zeros right of one image are those left of the next
            Order::Pixels => self.pad + images * (width + self.pad),
            Order::Images => (width + 2 * self.pad) * images,
        }
    }

    /// Numbers of a line: whole cache lines, and an odd number of them, so that the same place of
    /// neighbouring lines does not meet in one set of the cache.
    #[must_use]
    pub fn line(&self) -> usize {
        let lines = (self.positions() * self.stored).div_ceil(32);
        32 * (lines | 1)
    }

    /// Numbers to allocate. Tiles may read (never write) up to 40 positions beyond the last one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.height * self.line() + 40 * self.stored + 128
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dims.count() == 0
    }

    /// Numbers from a pixel to its right neighbour.
    #[must_use]
    pub fn x_step(&self) -> usize {
        match self.order {
            Order::Pixels => self.stored,
            Order::Images => self.stored * self.dims.images,
        }
    }

    /// Numbers from a pixel to the same one of the next image.
    #[must_use]
    pub fn image_step(&self) -> usize {
        match self.order {
            Order::Pixels => self.stored * (self.dims.width + self.pad),
            Order::Images => self.stored,
        }
    }

    /// Index of a pixel's first channel.
    #[inline(always)]
    #[must_use]
    pub fn offset(&self, image: usize, y: usize, x: usize) -> usize {
        let margin = match self.order {
            Order::Pixels => self.pad * self.stored,
            Order::Images => self.pad * self.x_step(),
        };
        y * self.line() + margin + image * self.image_step() + x * self.x_step()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_has_its_own_place_and_zeros_around_it() {
        for order in [Order::Pixels, Order::Images] {
            let dims = Dims { images: 3, height: 2, width: 4, channels: 5 };
            let layout = Layout { dims, stored: 8, order, pad: 2 };
            let mut taken = vec![false; layout.len()];
            for (image, y, x) in (0..24).map(|i| (i / 8, i / 4 % 2, i % 4)) {
                for channel in 0..8 {
                    let place = &mut taken[layout.offset(image, y, x) + channel];
                    assert!(!std::mem::replace(place, true));
                }
            }
            for (image, y) in (0..6).map(|i| (i / 2, i % 2)) {
                let (left, right) = (layout.offset(image, y, 0), layout.offset(image, y, 3));
                for reach in 1..=2 {
                    assert!(!taken[left - reach * layout.x_step()]);
                    assert!(!taken[right + reach * layout.x_step()]);
                }
            }
        }
    }
}
