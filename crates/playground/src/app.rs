//! What answers requests: networks, digits, evaluations.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;

use burn::tensor::Device;
use digits_data::{OpenOptions, Source};
use digits_train::Evaluation;
use digits_verify::Precision;

use crate::error::PlaygroundError;
use crate::networks::Networks;
use crate::samples::Samples;

/// What the playground shows and computes on.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that run folders are in.
    pub artifacts: PathBuf,
    /// Runs elsewhere, shown beside those in `artifacts`.
    pub runs: Vec<PathBuf>,
    /// Where digits to show come from; opened when the first is asked for.
    pub data: Source,
    /// How it is opened.
    pub open: OpenOptions,
    /// Where networks are computed, without autodiff.
    pub device: Device,
    /// The numbers in which that device checks the hand rules of backpropagation: GPUs have no
    /// 64-bit ones.
    pub precision: Precision,
    /// The address that the server listens at; decides which `Host` is answered.
    pub host: std::net::IpAddr,
}

/// Everything that answers requests.
pub struct App {
    pub(crate) device: Device,
    pub(crate) precision: Precision,
    pub(crate) networks: Networks,
    pub(crate) samples: Samples,
    /// The newest evaluations by the checksum of their run; held while one is computed: who asks
    /// for the same meanwhile gets the same.
    pub(crate) evaluations: Mutex<VecDeque<(String, Evaluation)>>,
    pub(crate) host: std::net::IpAddr,
}

impl App {
    /// Reads the runs that are named in the options; everything else waits until it is asked for.
    ///
    /// # Errors
    /// A run that is named and cannot be used.
    pub fn new(options: Options) -> Result<Self, PlaygroundError> {
        Ok(Self {
            networks: Networks::new(options.artifacts, options.runs, options.device.clone())?,
            samples: Samples::new(options.data, options.open),
            evaluations: Mutex::default(),
            host: options.host,
            device: options.device,
            precision: options.precision,
        })
    }

    /// Loads the two networks that are shown first, so that the first stroke need not wait.
    pub fn warm_up(&self) {
        self.networks.warm_up();
    }
}
