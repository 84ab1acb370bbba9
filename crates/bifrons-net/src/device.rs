//! Choosing where the network runs.

use burn::tensor::Device;

use crate::NetError;

/// The devices of this build, as users name them with `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// The processor (Burn's `flex` backend).
    Cpu,
}

impl std::str::FromStr for DeviceName {
    type Err = NetError;

    fn from_str(name: &str) -> Result<Self, NetError> {
        match name {
            "cpu" => Ok(Self::Cpu),
            _ => Err(NetError::UnknownDevice { name: name.to_owned(), known: "cpu".to_owned() }),
        }
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
        }
    }
}

/// The Burn device of that name, without gradients: for conversion. Training adds `.autodiff()`.
#[must_use]
pub fn device(name: DeviceName) -> Device {
    match name {
        DeviceName::Cpu => Device::flex(),
    }
}

/// The instructions that the processor's kernels use (`plain`, `neon`, `avx2`, `avx512bf16`, `avx512`, `amx`): the best there are, unless the
/// variable `BIFRONS_KERNELS` asks for others that run here.
#[must_use]
pub fn kernels() -> &'static str {
    bifrons_kernels::Path::best().name()
}
