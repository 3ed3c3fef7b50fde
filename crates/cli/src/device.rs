//! The backends of this build, and the threads of those on the CPU.

use std::panic;

use burn::tensor::{Device, Tensor};
use clap::ValueEnum;
use digits_verify::Precision;

use crate::error::{CliError, Message};

/// A Burn backend. Every one is known by name; which are compiled in depends on the features.
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
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BackendStatus {
    /// Name, as `--backend` takes it.
    pub backend: String,
    /// Whether it is compiled into this program.
    pub in_build: bool,
    /// Whether a small computation on it gave the right answer.
    pub works: bool,
    /// The adapter, or why it does not work, or how to get it.
    pub detail: String,
}

impl Backend {
    /// The backend of this name, from a configuration.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<Self, CliError> {
        <Self as ValueEnum>::from_str(name, false).map_err(|_| {
            CliError::usage(Message(format!(
                "unknown backend `{name}`. `digits devices` shows the known ones"
            )))
        })
    }

    /// The name that `--backend` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Rocm => "rocm",
        }
    }

    /// The device to compute on, without autodiff.
    ///
    /// # Errors
    /// A backend that is not compiled in (with the command that gives it), or that finds no
    /// adapter.
    pub fn device(self) -> Result<Device, Message> {
        match self {
            Self::Flex => Ok(Device::flex()),
            Self::Ndarray => Ok(ndarray()),
            Self::Wgpu => self.wgpu(),
            Self::Cuda => self.cuda(),
            Self::Vulkan => self.vulkan(),
            Self::Metal => self.metal(),
            Self::Rocm => self.rocm(),
        }
    }

    /// The numbers in which it can check the derivations: GPUs have no 64-bit ones.
    pub fn precision(self) -> Precision {
        match self {
            Self::Flex | Self::Ndarray => Precision::F64,
            Self::Wgpu | Self::Cuda | Self::Vulkan | Self::Metal | Self::Rocm => Precision::F32,
        }
    }

    /// Whether the backend is here and works, found out by using it.
    pub fn status(self) -> BackendStatus {
        let (in_build, works, detail) = match self.device() {
            Err(Message(reason)) => (self.in_build(), false, reason),
            Ok(device) => match probe(&device) {
                Ok(()) => (true, true, self.describe()),
                Err(reason) => (true, false, reason),
            },
        };
        BackendStatus {
            backend: self.name().to_owned(),
            in_build,
            works,
            detail,
        }
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

    fn describe(self) -> String {
        match self {
            Self::Flex | Self::Ndarray => format!("CPU, {} threads", rayon::current_num_threads()),
            Self::Wgpu | Self::Cuda | Self::Vulkan | Self::Metal | Self::Rocm => adapter(),
        }
    }

    #[cfg(not(all(
        feature = "wgpu",
        feature = "cuda",
        feature = "vulkan",
        feature = "metal",
        feature = "rocm"
    )))]
    fn absent(self) -> Message {
        let name = self.name();
        Message(format!(
            "this build has no {name} backend. Run it as `just backend={name} …`, or build with \
             `cargo build --release --features digits-cli/{name}`"
        ))
    }

    #[cfg(feature = "wgpu")]
    fn wgpu(self) -> Result<Device, Message> {
        start(self, Device::wgpu_options())
    }
    #[cfg(not(feature = "wgpu"))]
    fn wgpu(self) -> Result<Device, Message> {
        Err(self.absent())
    }

    #[cfg(feature = "vulkan")]
    fn vulkan(self) -> Result<Device, Message> {
        start(
            self,
            Device::wgpu_options().graphics_api(burn::tensor::wgpu::WgpuBackend::Vulkan),
        )
    }
    #[cfg(not(feature = "vulkan"))]
    fn vulkan(self) -> Result<Device, Message> {
        Err(self.absent())
    }

    #[cfg(feature = "metal")]
    fn metal(self) -> Result<Device, Message> {
        start(
            self,
            Device::wgpu_options().graphics_api(burn::tensor::wgpu::WgpuBackend::Metal),
        )
    }
    #[cfg(not(feature = "metal"))]
    fn metal(self) -> Result<Device, Message> {
        Err(self.absent())
    }

    #[cfg(feature = "cuda")]
    fn cuda(self) -> Result<Device, Message> {
        checked(self, Device::cuda(0))
    }
    #[cfg(not(feature = "cuda"))]
    fn cuda(self) -> Result<Device, Message> {
        Err(self.absent())
    }

    #[cfg(feature = "rocm")]
    fn rocm(self) -> Result<Device, Message> {
        checked(self, Device::rocm(0))
    }
    #[cfg(not(feature = "rocm"))]
    fn rocm(self) -> Result<Device, Message> {
        Err(self.absent())
    }
}

#[expect(
    deprecated,
    reason = "Burn deprecates ndarray in favour of flex; the exercise asks for it"
)]
fn ndarray() -> Device {
    Device::ndarray()
}

/// Acquires a GPU; a machine without one gets a sentence, not a panic.
#[cfg(feature = "wgpu")]
fn start(backend: Backend, options: burn::tensor::wgpu::WgpuOptions) -> Result<Device, Message> {
    use std::sync::Mutex;
    // A runtime can be started once; later calls of the same process share it.
    static STARTED: Mutex<Vec<(&'static str, Device)>> = Mutex::new(Vec::new());
    let mut started = STARTED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, device)) = started.iter().find(|(name, _)| *name == backend.name()) {
        return Ok(device.clone());
    }
    let no_adapter = |reason: String| {
        Message(format!(
            "the {} backend finds no adapter ({reason}). Use --backend flex, or install a driver; \
             without a GPU, Mesa's software Vulkan will do (Debian: mesa-vulkan-drivers)",
            backend.name()
        ))
    };
    let (device, setup) = quietly(|| options.init_with_setup())
        .map_err(no_adapter)?
        .map_err(|error| no_adapter(error.to_string()))?;
    let info = setup.adapter.get_info();
    ADAPTER
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .push_str(&format!(
            "{} ({:?}, {:?})",
            info.name, info.device_type, info.backend
        ));
    started.push((backend.name(), device.clone()));
    Ok(device)
}

#[cfg(feature = "wgpu")]
static ADAPTER: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());

#[cfg(feature = "wgpu")]
fn adapter() -> String {
    ADAPTER
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .clone()
}
#[cfg(not(feature = "wgpu"))]
fn adapter() -> String {
    "GPU".to_owned()
}

/// A device whose constructor cannot say that there is no hardware.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn checked(backend: Backend, device: Device) -> Result<Device, Message> {
    match probe(&device) {
        Ok(()) => Ok(device),
        Err(reason) => Err(Message(format!(
            "the {} backend does not work here: {reason}. Use --backend flex",
            backend.name()
        ))),
    }
}

/// Computes 1 + 2 on the device.
fn probe(device: &Device) -> Result<(), String> {
    let sum = quietly(|| (Tensor::<1>::from_floats([1.0], device) + 2.0).try_into_vec_as::<f32>())?;
    match sum {
        Ok(sum) if sum == [3.0] => Ok(()),
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
        payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| {
                payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
            })
            .unwrap_or_else(|| "the driver failed without a message".to_owned())
    })
}

/// Sets the number of threads that the CPU backends compute with, the calling one among them, for
/// the whole process; returns it.
///
/// A caller that hands its work to other threads waits to be woken after each operation, and a
/// training step is some forty of them.
///
/// # Errors
/// Threads that cannot be started.
pub fn set_threads(threads: usize) -> Result<usize, Message> {
    let pool = rayon::ThreadPoolBuilder::new().use_current_thread();
    start_threads(threads, pool)
}

/// As [`set_threads`], but the calling thread is not one of them: for one that computes nothing.
///
/// # Errors
/// As [`set_threads`].
pub fn set_other_threads(threads: usize) -> Result<usize, Message> {
    start_threads(threads, rayon::ThreadPoolBuilder::new())
}

fn start_threads(threads: usize, pool: rayon::ThreadPoolBuilder) -> Result<usize, Message> {
    let threads = if threads == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        threads
    };
    if threads > 1024 {
        return Err(Message(format!(
            "--threads is {threads}; give at most 1024"
        )));
    }
    pool.num_threads(threads)
        .build_global()
        .map_err(|error| Message(format!("cannot start {threads} threads: {error}")))?;
    Ok(threads)
}
