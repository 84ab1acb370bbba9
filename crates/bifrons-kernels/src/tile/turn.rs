//! Turning and interleaving small blocks of bf16 in registers: what matrix tiles want and memory does not have.

use std::arch::x86_64::*;

/// Sixteen vectors of sixteen 32-bit numbers.
type Square = [__m512i; 16];

/// Rows become columns: 16 × 16 numbers of 32 bits, in four rounds of doubling block size.
///
/// # Safety
/// The processor has AVX-512F.
#[inline(always)]
unsafe fn transpose(mut a: Square) -> Square {
    // SAFETY: the caller's promise covers every intrinsic here.
    unsafe {
        let mut b = [_mm512_setzero_si512(); 16];
        // neighbours: within each 128 bits, numbers of rows 2i and 2i + 1 alternate
        for i in 0..8 {
            b[2 * i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
            b[2 * i + 1] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
        }
        // four rows: a[4i + j] holds column j of each 128 bits of rows 4i .. 4i + 4
        for i in 0..4 {
            let q = 4 * i;
            a[q] = _mm512_unpacklo_epi64(b[q], b[q + 2]);
            a[q + 1] = _mm512_unpackhi_epi64(b[q], b[q + 2]);
            a[q + 2] = _mm512_unpacklo_epi64(b[q + 1], b[q + 3]);
            a[q + 3] = _mm512_unpackhi_epi64(b[q + 1], b[q + 3]);
        }
        // eight rows: the even (0x88) and odd (0xdd) quarters of two
        for i in 0..4 {
            b[i] = _mm512_shuffle_i32x4::<0x88>(a[i], a[4 + i]);
            b[4 + i] = _mm512_shuffle_i32x4::<0xdd>(a[i], a[4 + i]);
            b[8 + i] = _mm512_shuffle_i32x4::<0x88>(a[8 + i], a[12 + i]);
            b[12 + i] = _mm512_shuffle_i32x4::<0xdd>(a[8 + i], a[12 + i]);
        }
        // all sixteen
        for i in 0..4 {
            a[i] = _mm512_shuffle_i32x4::<0x88>(b[i], b[8 + i]);
            a[8 + i] = _mm512_shuffle_i32x4::<0xdd>(b[i], b[8 + i]);
            a[4 + i] = _mm512_shuffle_i32x4::<0x88>(b[4 + i], b[12 + i]);
            a[12 + i] = _mm512_shuffle_i32x4::<0xdd>(b[4 + i], b[12 + i]);
        }
        a
    }
}

/// 32 positions of 16 channels to 16 rows of 32 positions.
///
/// # Safety
/// The processor has AVX-512BW and VL. `from + p · step ..+ 16` is readable for `p < 32`,
/// `to + c · row ..+ 32` writable for `c < 16`.
#[inline(always)]
pub(crate) unsafe fn turn(from: *const u16, step: usize, to: *mut u16, row: usize) {
    // SAFETY: the caller's promise covers the loads and stores, each of 16 or 32 numbers.
    unsafe {
        let alternate = _mm512_set_epi16(
            47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3,
            34, 2, 33, 1, 32, 0,
        );
        let mut square = [_mm512_setzero_si512(); 16];
        for (pair, row) in square.iter_mut().enumerate() {
            let first = _mm256_loadu_si256(from.add(2 * pair * step).cast());
            let second = _mm256_loadu_si256(from.add((2 * pair + 1) * step).cast());
            let (first, second) = (_mm512_castsi256_si512(first), _mm512_castsi256_si512(second));
            *row = _mm512_permutex2var_epi16(first, alternate, second);
        }
        for (channel, values) in transpose(square).into_iter().enumerate() {
            _mm512_storeu_si512(to.add(channel * row).cast(), values);
        }
    }
}

/// 16 columns of 32 weights each, rounded to bf16, to 16 pairs of rows of 16 columns, interleaved.
///
/// # Safety
/// The processor has AVX-512BW, VL and BF16. `from + c · step ..+ 32` is readable for `c < 16`, `to ..+ 512`
/// writable.
#[inline(always)]
pub(crate) unsafe fn turn_weights(from: *const f32, step: usize, to: *mut u16) {
    // SAFETY: the caller's promise covers the loads of 16 and the stores of 32 numbers.
    unsafe {
        let mut square = [_mm512_setzero_si512(); 16];
        for (column, values) in square.iter_mut().enumerate() {
            let from = from.add(column * step);
            *values = round(_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(16)));
        }
        for (pair, values) in transpose(square).into_iter().enumerate() {
            _mm512_storeu_si512(to.add(pair * 32).cast(), values);
        }
    }
}

/// 32 numbers to bf16.
///
/// # Safety
/// The processor has AVX-512F and BF16.
#[inline(always)]
pub(crate) unsafe fn round(low: __m512, high: __m512) -> __m512i {
    // SAFETY: both types are 64 bytes of plain numbers.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;
    use crate::path::Path;
    use crate::tile::{Tile, amx::Amx};

    #[test]
    fn turned_blocks_hold_the_same_numbers() {
        if !Path::available().contains(&Path::Amx) {
            return;
        }
        let step = 40;
        let from: Vec<u16> = (0..32 * step as u16).collect();
        let mut to = vec![0_u16; 16 * 50];
        // SAFETY: 31 · 40 + 16 ≤ 1280 numbers are read, 15 · 50 + 32 ≤ 800 written; the path is available.
        Amx.run(|| unsafe { turn(from.as_ptr(), step, to.as_mut_ptr(), 50) });
        for (position, channel) in (0..32 * 16).map(|i| (i / 16, i % 16)) {
            assert_eq!(to[channel * 50 + position], from[position * step + channel]);
        }
        let from: Vec<f32> = (0..16 * 36).map(|i| i as f32 / 7.0).collect();
        let mut to = vec![0_u16; 512];
        // SAFETY: 15 · 36 + 32 ≤ 576 numbers are read, 512 written; the path is available.
        Amx.run(|| unsafe { turn_weights(from.as_ptr(), 36, to.as_mut_ptr()) });
        for (column, row) in (0..512).map(|i| (i / 32, i % 32)) {
            assert_eq!(to[row / 2 * 32 + column * 2 + row % 2], u16::from_f32(from[column * 36 + row]));
        }
    }
}
