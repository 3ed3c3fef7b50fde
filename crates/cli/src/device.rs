//! The backends of this build, and the threads of those on the CPU.

use std::panic;

#[cfg(any(feature = "vulkan", feature = "metal"))]
use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, Tensor};
use clap::ValueEnum;
use digits_verify::Precision;
use rayon::ThreadPoolBuilder;

/// A Burn backend. Every one is known by name; a Cargo feature of the same name compiles it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Burn's CPU backend (default)
    Flex,
    /// Burn's older CPU backend
    Ndarray,
    /// Any GPU through WebGPU, Vulkan, Metal or DirectX
    Wgpu,
    /// NVIDIA GPUs
    Cuda,
    /// GPUs through Vulkan
    Vulkan,
    /// Apple GPUs
    Metal,
    /// AMD GPUs
    Rocm,
}

/// What is known about a backend on this machine.
#[derive(Debug, serde::Serialize)]
pub struct BackendStatus {
    pub backend: String,
    pub in_build: bool,
    /// Whether a small computation on it gave the right answer.
    pub works: bool,
    /// The adapter, or why it does not work, or how to get it.
    pub detail: String,
}

impl Backend {
    /// The backend of this name, from a configuration.
    pub fn named(name: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(name, false)
            .map_err(|_| format!("unknown backend `{name}`. `digits devices` shows the known ones"))
    }

    /// The name that `--backend` takes: that of the variant, in small letters.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The device to compute on, without autodiff.
    ///
    /// # Errors
    /// A backend that is not compiled in (with the command that gives it), or that finds no
    /// adapter.
    pub fn device(self) -> Result<Device, String> {
        match self {
            Self::Flex => Ok(Device::flex()),
            Self::Ndarray => Ok(ndarray()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => acquire(self, Device::wgpu_options()),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => acquire(
                self,
                Device::wgpu_options().graphics_api(WgpuBackend::Vulkan),
            ),
            #[cfg(feature = "metal")]
            Self::Metal => acquire(
                self,
                Device::wgpu_options().graphics_api(WgpuBackend::Metal),
            ),
            #[cfg(feature = "cuda")]
            Self::Cuda => self.computing(Device::cuda(0)),
            #[cfg(feature = "rocm")]
            Self::Rocm => self.computing(Device::rocm(0)),
            #[allow(unreachable_patterns, reason = "a build may have every feature")]
            _ => {
                let name = self.name();
                Err(format!(
                    "this build has no {name} backend. Run it as `just backend={name} …`, or build \
                     with `cargo build --release --features digits-cli/{name}`"
                ))
            }
        }
    }

    /// The numbers in which it can check the derivations: GPUs have no 64-bit ones.
    pub fn precision(self) -> Precision {
        if self.is_cpu() {
            Precision::F64
        } else {
            Precision::F32
        }
    }

    /// Whether the backend is here and works, found out by using it.
    pub fn status(self) -> BackendStatus {
        let outcome = self.device().and_then(checked);
        BackendStatus {
            backend: self.name(),
            in_build: self.in_build(),
            works: outcome.is_ok(),
            detail: match outcome {
                Err(reason) => reason,
                Ok(_) if self.is_cpu() => {
                    format!("CPU, {} threads", rayon::current_num_threads())
                }
                Ok(_) => adapter(self),
            },
        }
    }

    fn is_cpu(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }

    fn in_build(self) -> bool {
        match self {
            Self::Flex | Self::Ndarray => true,
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Rocm => cfg!(feature = "rocm"),
        }
    }

    /// The device, or an error where the hardware does not compute.
    #[cfg(any(feature = "cuda", feature = "rocm"))]
    fn computing(self, device: Device) -> Result<Device, String> {
        checked(device).map_err(|reason| {
            let name = self.name();
            format!("the {name} backend does not work here: {reason}. Use --backend flex")
        })
    }
}

#[expect(
    deprecated,
    reason = "Burn deprecates ndarray in favour of flex; the exercise asks for it"
)]
fn ndarray() -> Device {
    Device::ndarray()
}

/// A GPU's runtime can be started only once in a process: backend, device, adapter.
#[cfg(feature = "wgpu")]
static STARTED: std::sync::Mutex<Vec<(Backend, Device, String)>> =
    std::sync::Mutex::new(Vec::new());

/// Acquires a GPU; a machine without one gets a sentence, not a panic.
#[cfg(feature = "wgpu")]
fn acquire(backend: Backend, options: burn::tensor::wgpu::WgpuOptions) -> Result<Device, String> {
    let mut started = STARTED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, device, _)) = started.iter().find(|(known, _, _)| *known == backend) {
        return Ok(device.clone());
    }
    let (device, setup) = quietly(|| options.init_with_setup())
        .and_then(|outcome| outcome.map_err(|error| error.to_string()))
        .map_err(|reason| {
            format!(
                "the {} backend finds no adapter ({reason}). Use --backend flex, or install a \
                 driver; without a GPU, Mesa's software Vulkan will do (Debian: \
                 mesa-vulkan-drivers)",
                backend.name()
            )
        })?;
    let info = setup.adapter.get_info();
    let adapter = format!("{} ({:?}, {:?})", info.name, info.device_type, info.backend);
    started.push((backend, device.clone(), adapter));
    Ok(device)
}

/// What is known about the GPU that a backend computes on.
#[cfg_attr(
    not(feature = "wgpu"),
    allow(unused_variables, reason = "only GPUs have one")
)]
fn adapter(backend: Backend) -> String {
    #[cfg(feature = "wgpu")]
    if let Ok(started) = STARTED.lock()
        && let Some((_, _, adapter)) = started.iter().find(|(known, _, _)| *known == backend)
    {
        return adapter.clone();
    }
    "GPU".to_owned()
}

/// The device, if 1 + 2 computed on it is 3. Some constructors cannot say that there is no
/// hardware.
fn checked(device: Device) -> Result<Device, String> {
    let sum =
        quietly(|| (Tensor::<1>::from_floats([1.0], &device) + 2.0).try_into_vec_as::<f32>())?;
    match sum {
        Ok(sum) if sum == [3.0] => Ok(device),
        Ok(sum) => Err(format!("it computes 1 + 2 = {sum:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs something that may panic deep inside a driver; the panic becomes a message.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(work));
    panic::set_hook(hook);
    outcome.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("the driver failed without a message")
            .to_owned()
    })
}

/// Starts the threads that the CPU backends compute with (0: one per core), for the whole process;
/// returns their number.
pub fn start_threads(threads: usize, pool: ThreadPoolBuilder) -> Result<usize, String> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        1..=1024 => threads,
        _ => return Err(format!("--threads is {threads}; give at most 1024")),
    };
    pool.num_threads(threads)
        .build_global()
        .map_err(|error| format!("cannot start {threads} threads: {error}"))?;
    Ok(threads)
}
