//! Into the layout of a convolution and out of it.

use rayon::prelude::*;

use super::forward::planar;
use crate::buffer::{CacheLine, numbers, numbers_mut, zeros};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::path::Path;

/// Calls `$body` with `$element` being what activations are stored as on this path.
macro_rules! with_element {
    ($path:expr, $element:ident, $body:expr) => {
        if $path.is_bf16() {
            type $element = u16;
            $body
        } else {
            type $element = f32;
            $body
        }
    };
}

/// `[image, channel, y, x]` in f32 to `layout`.
///
/// # Panics
/// When `planes` has another size.
#[must_use]
pub fn enter(path: Path, planes: &[f32], layout: Layout) -> Vec<CacheLine> {
    assert_eq!(planes.len(), layout.dims.count(), "images of another size");
    with_element!(path, E, {
        let mut found = zeros::<E>(layout.len());
        let length = layout.line();
        let to = &mut numbers_mut::<E>(&mut found)[..layout.dims.height * length];
        to.par_chunks_mut(length).enumerate().for_each(|(y, to)| {
            each_pixel(layout, |image, x, at| {
                for channel in 0..layout.dims.channels {
                    to[at + channel] = E::from_f32(planes[planar(layout.dims, image, channel, y, x)]);
                }
            });
        });
        found
    })
}

/// From `layout` to `[image, channel, y, x]` in f32; the adjoint of [`enter`] but for rounding.
#[must_use]
pub fn leave(path: Path, packed: &[CacheLine], layout: Layout) -> Vec<f32> {
    let Dims { channels, height, width, .. } = layout.dims;
    with_element!(path, E, {
        let from = numbers::<E>(packed);
        let mut planes = vec![0.0_f32; layout.dims.count()];
        planes.par_chunks_mut(channels * height * width).enumerate().for_each(|(image, to)| {
            for y in 0..height {
                for x in 0..width {
                    let at = layout.offset(image, y, x);
                    for channel in 0..channels {
                        to[(channel * height + y) * width + x] = from[at + channel].to_f32();
                    }
                }
            }
        });
        planes
    })
}

/// Calls `with(image, x, index within the line)` for every pixel of a line.
fn each_pixel(layout: Layout, mut with: impl FnMut(usize, usize, usize)) {
    for image in 0..layout.dims.images {
        for x in 0..layout.dims.width {
            with(image, x, layout.offset(image, 0, x));
        }
    }
}
