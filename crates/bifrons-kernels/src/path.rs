//! Which instructions the kernels use.

use std::sync::OnceLock;

/// A set of instructions, the slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Rust that every processor runs.
    Plain,
    /// ARM64.
    Neon,
    /// x86 with 256-bit vectors and fused multiply-add.
    Avx2,
    /// x86 with 512-bit vectors and products of bf16 pairs. On an Intel Xeon of 2023 it is slower than f32 (measured), as a
    /// product of pairs takes twice the time there; by its manual AMD's (since 2022) takes the same, so it is the best there.
    Avx512Bf16,
    /// x86 with 512-bit vectors.
    Avx512,
    /// Matrix tiles in bf16 (Intel since 2023); f32 runs as on [`Avx512`](Self::Avx512).
    Amx,
}

impl Path {
    /// The name that `BIFRONS_KERNELS` knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Amx => "amx",
        }
    }

    /// All that this processor can run, the slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let with_512 = match is_amd() {
            true => [Self::Avx512, Self::Avx512Bf16],
            false => [Self::Avx512Bf16, Self::Avx512],
        };
        let all = [Self::Plain, Self::Neon, Self::Avx2].into_iter().chain(with_512).chain([Self::Amx]);
        all.filter(|path| path.runs_here()).collect()
    }

    /// The fastest one that runs here, unless the variable `BIFRONS_KERNELS` names another that does.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Path> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            let asked = std::env::var("BIFRONS_KERNELS").unwrap_or_default();
            let named = available.iter().find(|path| path.name() == asked);
            *named.or(available.last()).expect("plain Rust runs everywhere")
        })
    }

    /// Whether activations are bf16 on this path (weights and sums are f32 on all).
    #[must_use]
    pub fn is_bf16(self) -> bool {
        matches!(self, Self::Avx512Bf16 | Self::Amx)
    }

    /// Whether products are added without being rounded in between. Where activations are f32 too, such paths give the same
    /// bits.
    #[must_use]
    pub fn is_fused(self) -> bool {
        self != Self::Plain || crate::tile::plain::is_fused()
    }

    #[cfg(target_arch = "x86_64")]
    fn runs_here(self) -> bool {
        let avx512 = || {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("fma")
        };
        match self {
            Self::Plain => true,
            Self::Neon => false,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => avx512(),
            Self::Avx512Bf16 => avx512() && is_x86_feature_detected!("avx512bf16"),
            Self::Amx => avx512() && crate::tile::amx::allowed(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn runs_here(self) -> bool {
        self == Self::Plain || (self == Self::Neon && cfg!(target_arch = "aarch64"))
    }
}

/// Whether AMD made the processor.
#[cfg(target_arch = "x86_64")]
fn is_amd() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_amd() -> bool {
    false
}
