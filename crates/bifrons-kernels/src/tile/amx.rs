//! Tiles of 32 rows by 32 columns in AMX: bf16 products, f32 sums, 16 × 16 × 32 at a time.
//!
//! The intrinsics are not stable in Rust, so this is inline assembly. Tiles 0 to 3 hold the sums, 4 and 5 rows,
//! 6 and 7 columns; the compiler itself never touches them.

use std::arch::asm;
use std::sync::OnceLock;

use super::avx512bf16::compiled_for;
use super::{Block, COLUMNS, MatrixTile, Operand, Run, Tile};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx;

/// Bytes of a tile's row: 32 bf16 or 16 f32.
const ROW_BYTES: usize = 64;
/// Numbers of one tile: 16 rows of 32.
const TILE: usize = 512;

#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Whether the processor has the tiles and the system lets this process use them.
#[cfg(target_os = "linux")]
pub(crate) fn allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        // CPUID leaf 7: AMX-BF16 is bit 22, AMX-TILE bit 24 of EDX.
        let has = std::arch::x86_64::__cpuid_count(7, 0).edx & (1 << 22 | 1 << 24) == (1 << 22 | 1 << 24);
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_long = 18;
        // SAFETY: asks for a permission; changes no memory. An older kernel answers with an error.
        has && is_x86_feature_detected!("avx512bf16")
            && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
    })
}

/// Elsewhere the system's way of allowing it is not known to us.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allowed() -> bool {
    false
}

/// Gives the tile registers back when the work ends, however it ends.
struct Configured;

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: `allowed` was true when they were configured.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

impl Tile for Amx {
    type E = u16;
    type V = std::arch::x86_64::__m512;
    const GROUP: usize = 16;
    const K_STEP: usize = 32;

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        let mut configuration =
            Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        configuration.row_bytes[..8].fill(ROW_BYTES as u16);
        configuration.rows[..8].fill(16);
        // SAFETY: the path is only chosen where `allowed` is true; the structure is the 64 bytes the
        // instruction reads.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack, readonly)) };
        let _configured = Configured;
        // SAFETY: a processor with AMX has these, and `Path` has looked.
        unsafe { compiled_for(work) }
    }

    #[inline(always)]
    unsafe fn turn_weights(self, from: *const f32, step: usize, to: *mut u16) -> bool {
        // SAFETY: the caller's promise; `allowed` has looked for the instructions.
        unsafe { super::turn::turn_weights(from, step, to) };
        true
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        starts: [*const u16; 2],
        row_step: usize,
        runs: &[Run],
        strip: *const u16,
        block: &mut Block,
    ) {
        // SAFETY: the caller promises rows and strip for whole runs; a strip holds two tiles for each 32
        // numbers of a run.
        unsafe {
            zero();
            for run in runs {
                let columns = Operand {
                    at: [strip.add(run.packed), strip.add(run.packed + TILE)],
                    row_bytes: ROW_BYTES,
                    step_bytes: 2 * TILE * 2,
                };
                let rows = Operand {
                    at: starts.map(|start| start.offset(run.offset)),
                    row_bytes: row_step * 2,
                    step_bytes: ROW_BYTES,
                };
                accumulate(&rows, &columns, run.len / 32);
            }
            store(block.0.as_mut_ptr());
        }
    }
}

impl MatrixTile for Amx {
    #[inline(always)]
    unsafe fn begin(block: *const f32) {
        // SAFETY: the caller's promise.
        unsafe { load(block) }
    }

    #[inline(always)]
    unsafe fn accumulate(rows: &Operand, columns: &Operand, steps: usize, _: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { accumulate(rows, columns, steps) }
    }

    #[inline(always)]
    unsafe fn end(block: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { store(block) }
    }
}

/// Sums of zero.
///
/// # Safety
/// Inside [`Tile::run`] of [`Amx`].
#[inline(always)]
unsafe fn zero() {
    // SAFETY: the tiles are configured.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem))
    }
}

/// The sums of 32 × 32 numbers at `block`.
///
/// # Safety
/// Inside [`Tile::run`] of [`Amx`]; `block` has 1024 numbers.
#[inline(always)]
unsafe fn load(block: *const f32) {
    // SAFETY: 16 rows of 64 bytes each, 128 bytes apart, from four corners of 32 × 32 numbers.
    unsafe {
        asm!(
            "tileloadd tmm0, [{b} + {s}]", "tileloadd tmm1, [{b} + {s} + 64]",
            "tileloadd tmm2, [{c} + {s}]", "tileloadd tmm3, [{c} + {s} + 64]",
            b = in(reg) block, c = in(reg) block.add(16 * COLUMNS), s = in(reg) COLUMNS * 4,
            options(nostack, readonly)
        );
    }
}

/// Writes the sums as 32 × 32 numbers.
///
/// # Safety
/// Inside [`Tile::run`] of [`Amx`]; `block` has room for 1024 numbers.
#[inline(always)]
unsafe fn store(block: *mut f32) {
    // SAFETY: as in `load`.
    unsafe {
        asm!(
            "tilestored [{b} + {s}], tmm0", "tilestored [{b} + {s} + 64], tmm1",
            "tilestored [{c} + {s}], tmm2", "tilestored [{c} + {s} + 64], tmm3",
            b = in(reg) block, c = in(reg) block.add(16 * COLUMNS), s = in(reg) COLUMNS * 4,
            options(nostack)
        );
    }
}

/// `sums += rows · columns`, `steps` times 32 products deep.
///
/// # Safety
/// Inside [`Tile::run`] of [`Amx`]; each operand has 16 readable rows of 64 bytes at both places, in every step.
#[inline(always)]
unsafe fn accumulate(rows: &Operand, columns: &Operand, steps: usize) {
    if steps == 0 {
        return;
    }
    // SAFETY: the caller's promise covers every address formed here; the count is above zero.
    unsafe {
        asm!(
            "2:",
            "tileloadd tmm4, [{a0} + {ra}]",
            "tileloadd tmm6, [{b0} + {rb}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b1} + {rb}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a1} + {ra}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a0}, {sa}", "add {a1}, {sa}", "add {b0}, {sb}", "add {b1}, {sb}",
            "dec {n}",
            "jnz 2b",
            a0 = inout(reg) rows.at[0] => _, a1 = inout(reg) rows.at[1] => _,
            b0 = inout(reg) columns.at[0] => _, b1 = inout(reg) columns.at[1] => _,
            ra = in(reg) rows.row_bytes, rb = in(reg) columns.row_bytes,
            sa = in(reg) rows.step_bytes, sb = in(reg) columns.step_bytes,
            n = inout(reg) steps => _,
            options(nostack, readonly)
        );
    }
}
