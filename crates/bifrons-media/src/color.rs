//! What the numbers in a YUV plane mean.

use serde::{Deserialize, Serialize};

/// Which weights turn RGB into luma and colour differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Matrix {
    /// ITU-R BT.601 (also tagged `smpte170m`, `bt470bg`).
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
    /// SMPTE 240M.
    Smpte240m,
    /// FCC 47 CFR 73.682.
    Fcc,
}

impl Matrix {
    /// `(Kr, Kb)`, the weights of red and blue in luma (ITU-T H.273, table 4).
    #[must_use]
    pub const fn kr_kb(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
            Self::Smpte240m => (0.212, 0.087),
            Self::Fcc => (0.30, 0.11),
        }
    }
}

/// Which code values are black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// Luma 16 to 235, colour difference 16 to 240 (at 8 bits); film and television.
    Limited,
    /// All code values.
    Full,
}

/// The colour description of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColorInfo {
    /// Matrix used to convert.
    pub matrix: Matrix,
    /// Range used to convert.
    pub range: Range,
    /// Primaries tag as ffprobe names it; `None` when the stream says nothing.
    pub primaries: Option<String>,
    /// Transfer tag as ffprobe names it; `None` when the stream says nothing.
    pub transfer: Option<String>,
    /// Matrix tag as ffprobe names it; `None` when the stream says nothing.
    pub matrix_tag: Option<String>,
    /// Whether the stream carries a range tag.
    pub range_tagged: bool,
    /// Whether [`Self::matrix`] is a guess because the stream does not say: BT.709 from 720 rows
    /// up, else BT.601.
    pub assumed: bool,
}

/// Why a stream's colour cannot be used.
pub(crate) enum ColorRefusal {
    HighDynamicRange(String),
    Matrix(String),
}

impl ColorInfo {
    /// Reads ffprobe's tags. `height_px` is the displayed height; `rgb` says that the samples are
    /// RGB, grey or palette, for which the YUV matrix is ours to choose.
    pub(crate) fn from_tags(
        matrix: Option<&str>,
        range: Option<&str>,
        primaries: Option<&str>,
        transfer: Option<&str>,
        height_px: usize,
        rgb: bool,
        full_range_format: bool,
    ) -> Result<Self, ColorRefusal> {
        let known = |tag: Option<&str>| {
            tag.filter(|t| !matches!(*t, "unknown" | "unspecified" | "reserved" | "N/A" | ""))
                .map(str::to_owned)
        };
        let transfer = known(transfer);
        if let Some(t) = &transfer
            && matches!(t.as_str(), "smpte2084" | "arib-std-b67")
        {
            return Err(ColorRefusal::HighDynamicRange(t.clone()));
        }
        let by_height = if height_px >= 720 { Matrix::Bt709 } else { Matrix::Bt601 };
        let primaries = known(primaries);
        if rgb {
            return Ok(Self {
                matrix: by_height,
                range: Range::Limited,
                primaries,
                transfer,
                matrix_tag: Some(if by_height == Matrix::Bt709 { "bt709" } else { "smpte170m" }.to_owned()),
                range_tagged: true,
                assumed: false,
            });
        }
        let matrix_tag = known(matrix);
        let (matrix, assumed) = match matrix_tag.as_deref() {
            None => (by_height, true),
            Some("smpte170m" | "bt470bg") => (Matrix::Bt601, false),
            Some("bt709") => (Matrix::Bt709, false),
            Some("bt2020nc") => (Matrix::Bt2020, false),
            Some("smpte240m") => (Matrix::Smpte240m, false),
            Some("fcc") => (Matrix::Fcc, false),
            Some(other) => return Err(ColorRefusal::Matrix(other.to_owned())),
        };
        let range_tag = known(range);
        let full = full_range_format || range_tag.as_deref() == Some("pc");
        Ok(Self {
            matrix,
            range: if full { Range::Full } else { Range::Limited },
            primaries,
            transfer,
            matrix_tag,
            range_tagged: range_tag.is_some() || full_range_format,
            assumed,
        })
    }

    /// The range's name on FFmpeg's command line.
    pub(crate) fn range_name(&self) -> &'static str {
        match self.range {
            Range::Limited => "tv",
            Range::Full => "pc",
        }
    }
}

/// The arithmetic between code values and RGB in `[0, 1]` for one stream (ITU-T H.273, §8.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversion {
    kr: f32,
    kg: f32,
    kb: f32,
    luma_offset: f32,
    luma_span: f32,
    luma_scale: f32,
    chroma_offset: f32,
    chroma_span: f32,
    max_code: f32,
    r_from_cr: f32,
    g_from_cb: f32,
    g_from_cr: f32,
    b_from_cb: f32,
}

/// What a pair of colour-difference samples adds to luma.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChromaTerm {
    r: f32,
    g: f32,
    b: f32,
}

impl Conversion {
    /// For samples of `depth_bits` (8 to 16).
    pub(crate) fn new(matrix: Matrix, range: Range, depth_bits: u32) -> Self {
        let (kr, kb) = matrix.kr_kb();
        let unit = (1u32 << (depth_bits - 8)) as f32;
        let max_code = ((1u32 << depth_bits) - 1) as f32;
        let (luma_offset, luma_span, chroma_span) = match range {
            Range::Limited => (16.0 * unit, 219.0 * unit, 224.0 * unit),
            Range::Full => (0.0, max_code, max_code),
        };
        let kg = 1.0 - kr - kb;
        let r_from_cr = 2.0 * (1.0 - kr) / chroma_span;
        let b_from_cb = 2.0 * (1.0 - kb) / chroma_span;
        Self {
            kr,
            kg,
            kb,
            luma_offset,
            luma_span,
            luma_scale: 1.0 / luma_span,
            chroma_offset: 128.0 * unit,
            chroma_span,
            max_code,
            r_from_cr,
            g_from_cb: -kb * b_from_cb / kg,
            g_from_cr: -kr * r_from_cr / kg,
            b_from_cb,
        }
    }

    /// Luma in `[0, 1]` (out of range where the code is) from a code value.
    #[inline]
    pub(crate) fn luma(&self, code: f32) -> f32 {
        (code - self.luma_offset) * self.luma_scale
    }

    /// The chroma term of two code values.
    #[inline]
    pub(crate) fn chroma_term(&self, cb_code: f32, cr_code: f32) -> ChromaTerm {
        let cb = cb_code - self.chroma_offset;
        let cr = cr_code - self.chroma_offset;
        ChromaTerm {
            r: self.r_from_cr * cr,
            g: self.g_from_cb * cb + self.g_from_cr * cr,
            b: self.b_from_cb * cb,
        }
    }

    /// RGB clamped to `[0, 1]`.
    #[inline]
    pub(crate) fn rgb(luma: f32, term: ChromaTerm) -> [f32; 3] {
        [(luma + term.r).clamp(0.0, 1.0), (luma + term.g).clamp(0.0, 1.0), (luma + term.b).clamp(0.0, 1.0)]
    }

    /// Code values, not rounded, of `(luma, cb, cr)`; RGB is clamped to `[0, 1]`, NaN counts as 0.
    #[inline]
    pub(crate) fn codes(&self, rgb: [f32; 3]) -> [f32; 3] {
        let [r, g, b] = rgb.map(|v| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) });
        let luma = self.kr * r + self.kg * g + self.kb * b;
        let cb = (b - luma) / (2.0 * (1.0 - self.kb));
        let cr = (r - luma) / (2.0 * (1.0 - self.kr));
        [
            luma * self.luma_span + self.luma_offset,
            cb * self.chroma_span + self.chroma_offset,
            cr * self.chroma_span + self.chroma_offset,
        ]
    }

    /// The nearest code value that exists.
    #[inline]
    pub(crate) fn quantise(&self, code: f32) -> u16 {
        (code + 0.5).clamp(0.0, self.max_code) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_of_red_in_bt601_and_bt709() {
        // ITU-R BT.601: 8-bit limited red is (81, 90, 240); BT.709: (63, 102, 240).
        for (matrix, expected) in [(Matrix::Bt601, [81, 90, 240]), (Matrix::Bt709, [63, 102, 240])] {
            let c = Conversion::new(matrix, Range::Limited, 8);
            assert_eq!(c.codes([1.0, 0.0, 0.0]).map(|v| c.quantise(v)), expected);
        }
    }

    #[test]
    fn white_and_black_reach_the_ends_of_the_range() {
        let limited = Conversion::new(Matrix::Bt709, Range::Limited, 10);
        assert_eq!(limited.codes([1.0; 3]).map(|v| limited.quantise(v)), [940, 512, 512]);
        assert_eq!(limited.codes([0.0; 3]).map(|v| limited.quantise(v)), [64, 512, 512]);
        let full = Conversion::new(Matrix::Bt709, Range::Full, 8);
        assert_eq!(full.codes([1.0; 3]).map(|v| full.quantise(v)), [255, 128, 128]);
        assert_eq!(full.codes([f32::NAN; 3]).map(|v| full.quantise(v)), [0, 128, 128]);
    }

    #[test]
    fn untagged_streams_are_guessed_by_height_and_say_so() {
        let info = |h| ColorInfo::from_tags(None, Some("unknown"), None, None, h, false, false).ok();
        let small = info(576).unwrap();
        assert_eq!((small.matrix, small.range, small.assumed), (Matrix::Bt601, Range::Limited, true));
        assert_eq!(info(720).unwrap().matrix, Matrix::Bt709);
    }

    #[test]
    fn high_dynamic_range_is_refused() {
        for transfer in ["smpte2084", "arib-std-b67"] {
            assert!(matches!(
                ColorInfo::from_tags(Some("bt2020nc"), Some("tv"), None, Some(transfer), 1080, false, false),
                Err(ColorRefusal::HighDynamicRange(t)) if t == transfer
            ));
        }
    }
}
