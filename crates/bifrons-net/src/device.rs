//! Choosing where the network runs.

use burn::tensor::Device;

use crate::NetError;

/// The devices of this build, as users name them with `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// The processor: Burn's `flex` backend with the kernels of `bifrons-kernels`.
    Cpu,
    /// The graphics processor that Vulkan prefers: Burn's own operators, in f32.
    #[cfg(feature = "wgpu")]
    Vulkan,
}

impl DeviceName {
    /// All of this build.
    pub const ALL: &[Self] = &[
        Self::Cpu,
        #[cfg(feature = "wgpu")]
        Self::Vulkan,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            #[cfg(feature = "wgpu")]
            Self::Vulkan => "vulkan",
        }
    }
}

impl std::str::FromStr for DeviceName {
    type Err = NetError;

    fn from_str(name: &str) -> Result<Self, NetError> {
        Self::ALL.iter().copied().find(|device| device.name() == name).ok_or_else(|| {
            NetError::UnknownDevice {
                name: name.to_owned(),
                known: Self::ALL.iter().map(|device| device.name()).collect::<Vec<_>>().join(", "),
            }
        })
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The Burn device of that name, without gradients: for conversion. Training adds `.autodiff()`.
///
/// # Errors
/// [`NetError::NoDevice`] when this machine has none.
pub fn device(name: DeviceName) -> Result<Device, NetError> {
    match name {
        DeviceName::Cpu => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        DeviceName::Vulkan => {
            if Device::enumerate(burn::tensor::DeviceType::Vulkan).is_empty() {
                return Err(NetError::NoDevice { name: name.name() });
            }
            Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice))
        }
    }
}

/// The instructions that the processor's kernels use (`plain`, `neon`, `avx2`, `avx512bf16`, `avx512`, `amx`): the best there are, unless the
/// variable `BIFRONS_KERNELS` asks for others that run here.
#[must_use]
pub fn kernels() -> &'static str {
    bifrons_kernels::Path::best().name()
}
