//! Laws of reading and writing pixels, on made-up frames of every layout and rotation.

use std::sync::Arc;

use proptest::prelude::*;

use crate::color::{Conversion, Matrix, Range};
use crate::frame::{Frame, Samples, YuvFormat};
use crate::layout::{PlaneLayout, Rotation};
use crate::{PixelRect, RgbImage};

fn frame(layout: PlaneLayout, rotation: Rotation, range: Range, seed: u64) -> Frame {
    let samples = layout.frame_bytes() / layout.sample_bytes();
    let limit = (1u64 << layout.depth_bits) - 1;
    let mut state = seed | 1;
    let mut planes = Vec::with_capacity(layout.frame_bytes());
    for _ in 0..samples {
        // xorshift64: any noise will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let value = (state & limit) as u16;
        planes.extend_from_slice(&value.to_le_bytes()[..layout.sample_bytes()]);
    }
    Frame {
        index: 0,
        pts_ticks: 0,
        repeated: false,
        samples: Samples::Yuv {
            format: Arc::new(YuvFormat {
                layout,
                rotation,
                conversion: Conversion::new(Matrix::Bt709, range, layout.depth_bits),
            }),
            planes,
        },
    }
}

fn planes(frame: &Frame) -> &[u8] {
    match &frame.samples {
        Samples::Yuv { planes, .. } => planes,
        Samples::Picture(_) => &[],
    }
}

fn layouts() -> impl Strategy<Value = PlaneLayout> {
    let shifts = prop_oneof![Just((1u32, 1u32)), Just((1, 0)), Just((0, 0))];
    let depth = prop_oneof![Just(8u32), Just(10)];
    (1usize..14, 1usize..14, shifts, depth).prop_map(
        |(width, height, (chroma_shift_x, chroma_shift_y), depth_bits)| PlaneLayout {
            width,
            height,
            chroma_shift_x,
            chroma_shift_y,
            depth_bits,
        },
    )
}

fn rotations() -> impl Strategy<Value = Rotation> {
    prop_oneof![
        Just(Rotation::None),
        Just(Rotation::Clockwise90),
        Just(Rotation::Half),
        Just(Rotation::Clockwise270)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn untouched_samples_stay_bit_identical(
        layout in layouts(),
        rotation in rotations(),
        seed in any::<u64>(),
        (x, y, w, h) in (0usize..14, 0usize..14, 1usize..14, 1usize..14),
    ) {
        let original = frame(layout, rotation, Range::Limited, seed);
        let mut changed = original.clone();
        let rect = PixelRect::new(x, y, w, h)
            .clipped(original.width_px(), original.height_px());
        let alpha: Vec<f32> = (0..rect.area_px())
            .map(|i| if (seed >> (i % 60)) & 1 == 1 { 0.3 } else { 0.0 })
            .collect();
        let image = RgbImage::filled(rect.width, rect.height, [0.9, 0.2, 0.4]);
        changed.set_rgb(rect, &image, &alpha).unwrap();

        // Which stored samples may differ.
        let mut touched = vec![false; layout.width * layout.height];
        for (i, _) in alpha.iter().enumerate().filter(|(_, a)| **a > 0.0) {
            let (sx, sy) = rotation.stored_pixel(
                rect.x + i % rect.width,
                rect.y + i / rect.width,
                layout.width,
                layout.height,
            );
            touched[sy * layout.width + sx] = true;
        }
        let bytes = layout.sample_bytes();
        let same = |sample: usize| {
            planes(&original)[sample * bytes..(sample + 1) * bytes]
                == planes(&changed)[sample * bytes..(sample + 1) * bytes]
        };
        for (i, touched) in touched.iter().enumerate() {
            prop_assert!(*touched || same(i), "luma {i}");
        }
        for cy in 0..layout.chroma_height() {
            for cx in 0..layout.chroma_width() {
                let block_touched = (0..layout.height)
                    .flat_map(|y| (0..layout.width).map(move |x| (x, y)))
                    .any(|(x, y)| {
                        x >> layout.chroma_shift_x == cx
                            && y >> layout.chroma_shift_y == cy
                            && touched[y * layout.width + x]
                    });
                for plane in 1..3 {
                    let i = layout.plane_start(plane) + cy * layout.chroma_width() + cx;
                    prop_assert!(block_touched || same(i), "chroma {plane} {cx} {cy}");
                }
            }
        }
    }

    #[test]
    fn writing_one_colour_everywhere_reads_back_within_a_code(
        layout in layouts(),
        rotation in rotations(),
        range in prop_oneof![Just(Range::Limited), Just(Range::Full)],
        colour in prop::array::uniform3(0.0f32..=1.0),
    ) {
        let mut f = frame(layout, rotation, range, 7);
        let whole = f.whole();
        let image = RgbImage::filled(whole.width, whole.height, colour);
        f.set_rgb(whole, &image, &vec![1.0; whole.area_px()]).unwrap();
        let read = f.rgb(whole);
        for (found, wanted) in read.data.iter().zip(&image.data) {
            // Half a code of luma and of the larger colour difference: 1/2/219 + 1.86/2/224.
            prop_assert!((found - wanted).abs() <= 0.0065, "{found} {wanted}");
        }
        // What was written is a fixed point: reading and writing it again changes nothing.
        let before = planes(&f).to_vec();
        f.set_rgb(whole, &read, &vec![1.0; whole.area_px()]).unwrap();
        let clamped = read.data.iter().any(|v| *v <= 0.0 || *v >= 1.0);
        prop_assert!(clamped || before == planes(&f));
    }

    #[test]
    fn parts_read_like_the_whole(
        layout in layouts(),
        rotation in rotations(),
        seed in any::<u64>(),
        (x, y, w, h) in (0usize..16, 0usize..16, 0usize..16, 0usize..16),
    ) {
        let f = frame(layout, rotation, Range::Full, seed);
        let rect = PixelRect::new(x, y, w, h);
        prop_assert_eq!(f.rgb(rect), f.rgb(f.whole()).crop(rect));
    }

    #[test]
    fn a_view_of_a_turned_frame_is_the_turned_view(
        layout in layouts(),
        rotation in rotations(),
        seed in any::<u64>(),
        size_px in 1usize..14,
    ) {
        // Truth: the full-size RGB would be shrunk the same way if conversion had no clamping, so
        // compare a frame whose colours stay inside.
        let mut f = frame(layout, rotation, Range::Limited, seed);
        let whole = f.whole();
        let mut image = RgbImage::new(whole.width, whole.height);
        for (i, v) in image.data.iter_mut().enumerate() {
            *v = 0.3 + 0.4 * ((i * 37 + seed as usize % 97) % 101) as f32 / 101.0;
        }
        // Grey, so that chroma blocks mean nothing.
        for pixel in image.data.chunks_exact_mut(3) {
            let grey = pixel[0];
            pixel.fill(grey);
        }
        f.set_rgb(whole, &image, &vec![1.0; whole.area_px()]).unwrap();
        let full = f.rgb(whole);
        let (view, scale) = f.rgb_long_side(size_px);
        let scale = f64::from(scale);
        for vy in 0..view.height {
            for vx in 0..view.width {
                let (mut sum, mut area) = (0.0f64, 0.0f64);
                for y in 0..full.height {
                    for x in 0..full.width {
                        let cover = |v: usize, s: usize| {
                            ((v + 1) as f64 / scale).min((s + 1) as f64) - (v as f64 / scale).max(s as f64)
                        };
                        let (cx, cy) = (cover(vx, x).max(0.0), cover(vy, y).max(0.0));
                        sum += cx * cy * f64::from(full.get(x, y)[1]);
                        area += cx * cy;
                    }
                }
                let found = f64::from(view.get(vx, vy)[1]);
                prop_assert!(area < 1e-4 || (found - sum / area).abs() < 2e-3, "{vx} {vy}: {found} {}", sum / area);
            }
        }
    }
}

#[test]
fn a_patch_that_does_not_fit_is_refused() {
    let layout = PlaneLayout { width: 8, height: 6, chroma_shift_x: 1, chroma_shift_y: 1, depth_bits: 8 };
    let mut f = frame(layout, Rotation::None, Range::Full, 3);
    let image = RgbImage::new(2, 2);
    for (rect, alpha) in
        [(PixelRect::new(7, 0, 2, 2), 4), (PixelRect::new(0, 0, 3, 2), 6), (PixelRect::new(0, 0, 2, 2), 3)]
    {
        assert!(f.set_rgb(rect, &image, &vec![1.0; alpha]).is_err());
    }
}

#[test]
fn thumbnails_tell_a_cut_from_a_still() {
    let layout = PlaneLayout { width: 200, height: 100, chroma_shift_x: 1, chroma_shift_y: 1, depth_bits: 8 };
    let mut dark = frame(layout, Rotation::Clockwise90, Range::Full, 1);
    let mut light = dark.clone();
    let whole = dark.whole();
    for (f, grey) in [(&mut dark, 0.2), (&mut light, 0.8)] {
        let image = RgbImage::filled(whole.width, whole.height, [grey; 3]);
        f.set_rgb(whole, &image, &vec![1.0; whole.area_px()]).unwrap();
    }
    let (a, b) = (dark.luma_thumbnail(), light.luma_thumbnail());
    assert_eq!((a.width, a.height), (32, 64));
    assert_eq!(a.mean_difference(&a), Some(0.0));
    assert_eq!(a.mean_difference(&b), Some(153.0));
    assert!(a.data.iter().all(|&v| v == 51));
}
