//! IVF: the little container that carries raw frames with exact times into FFmpeg.
//!
//! A header of 32 bytes, then each frame behind its length (32 bits) and time (64 bits), all
//! little-endian.

use crate::layout::{OneByte, PlaneLayout, SampleFormat, TwoBytes};

/// How FFmpeg is told the samples are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Planes as they are, 8 bits, 4:2:0.
    I420,
    /// Planes as they are, 8 bits, 4:2:2.
    I422,
    /// 10 bits, 4:4:4, one 32-bit word a pixel; other chroma is repeated, 8 bits are shifted up.
    V410,
}

impl Packing {
    /// The packing for samples in `layout` that are to be encoded in FFmpeg's pixel format
    /// `encoded_format`. FFmpeg never has to make chroma finer: where that is wanted, it is
    /// repeated here, which is exact at odd sizes too.
    pub(crate) fn of(layout: &PlaneLayout, encoded_format: &str) -> Self {
        if encoded_format.contains("444") {
            return Self::V410;
        }
        match (layout.depth_bits, layout.chroma_shift_x, layout.chroma_shift_y) {
            (8, 1, 1) => Self::I420,
            (8, 1, 0) => Self::I422,
            _ => Self::V410,
        }
    }

    fn fourcc(self) -> &'static [u8; 4] {
        match self {
            Self::I420 => b"I420",
            Self::I422 => b"I422",
            Self::V410 => b"v410",
        }
    }
}

/// The file header; times are in units of `1 / ticks_per_sec` seconds.
pub(crate) fn header(layout: &PlaneLayout, packing: Packing, ticks_per_sec: u32, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend_from_slice(b"DKIF");
    bytes.extend_from_slice(&0u16.to_le_bytes());
    bytes.extend_from_slice(&32u16.to_le_bytes());
    bytes.extend_from_slice(packing.fourcc());
    // Sides are at most 16384, so they fit.
    bytes.extend_from_slice(&(layout.width as u16).to_le_bytes());
    bytes.extend_from_slice(&(layout.height as u16).to_le_bytes());
    bytes.extend_from_slice(&ticks_per_sec.to_le_bytes());
    bytes.extend_from_slice(&1u32.to_le_bytes());
    bytes.extend_from_slice(&(frames as u32).to_le_bytes());
    bytes.extend_from_slice(&0u32.to_le_bytes());
    bytes
}

/// One frame with its own header.
pub(crate) fn frame(layout: &PlaneLayout, packing: Packing, planes: &[u8], time_ticks: u64) -> Vec<u8> {
    let length = match packing {
        Packing::I420 | Packing::I422 => planes.len(),
        Packing::V410 => layout.width * layout.height * 4,
    };
    let mut bytes = Vec::with_capacity(12 + length);
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(&time_ticks.to_le_bytes());
    match packing {
        Packing::I420 | Packing::I422 => bytes.extend_from_slice(planes),
        Packing::V410 if layout.depth_bits == 8 => pack_v410::<OneByte>(layout, planes, &mut bytes),
        Packing::V410 => pack_v410::<TwoBytes>(layout, planes, &mut bytes),
    }
    bytes
}

/// `v410`: from the low end, 2 unused bits, Cb, Y, Cr of 10 bits each.
fn pack_v410<S: SampleFormat>(layout: &PlaneLayout, planes: &[u8], bytes: &mut Vec<u8>) {
    let up = 10 - layout.depth_bits;
    let (cb_start, cr_start) = (layout.plane_start(1), layout.plane_start(2));
    for y in 0..layout.height {
        let chroma_row = (y >> layout.chroma_shift_y) * layout.chroma_width();
        for x in 0..layout.width {
            let chroma = chroma_row + (x >> layout.chroma_shift_x);
            let sample = |index| u32::from(S::load(planes, index)) << up & 0x3ff;
            let word = sample(cb_start + chroma) << 2
                | sample(y * layout.width + x) << 12
                | sample(cr_start + chroma) << 22;
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: PlaneLayout =
        PlaneLayout { width: 3, height: 1, chroma_shift_x: 1, chroma_shift_y: 1, depth_bits: 10 };

    #[test]
    fn header_is_as_ffmpeg_reads_it() {
        let bytes = header(&TINY, Packing::V410, 12_800, 7);
        assert_eq!(bytes.len(), 32);
        assert_eq!(&bytes[..14], b"DKIF\0\0\x20\0v410\x03\0");
        assert_eq!(bytes[16..24], [0, 50, 0, 0, 1, 0, 0, 0]);
        assert_eq!(bytes[24..28], [7, 0, 0, 0]);
    }

    #[test]
    fn planes_go_as_they_are_where_the_encoder_takes_them() {
        let eight = PlaneLayout { depth_bits: 8, ..TINY };
        assert_eq!(Packing::of(&eight, "yuv420p"), Packing::I420);
        assert_eq!(Packing::of(&eight, "yuv444p"), Packing::V410);
        assert_eq!(Packing::of(&TINY, "yuv420p10le"), Packing::V410);
    }

    #[test]
    fn chroma_is_repeated_in_v410() {
        // Y 1 2 3, Cb 4 5, Cr 6 7
        let planes: Vec<u8> = [1u16, 2, 3, 4, 5, 6, 7].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = frame(&TINY, Packing::V410, &planes, 9);
        assert_eq!(bytes[..12], [12, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        let words: Vec<u32> =
            bytes[12..].chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        let word = |y: u32, cb: u32, cr: u32| cb << 2 | y << 12 | cr << 22;
        assert_eq!(words, [word(1, 4, 6), word(2, 4, 6), word(3, 5, 7)]);
    }
}
