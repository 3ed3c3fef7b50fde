//! The trained networks that can be chosen, and those that are loaded.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::tensor::Device;
use digits_models::Model;
use digits_train::{LoadedRun, RunFolder, RunRecord, TrainError};
use hyper::StatusCode;
use serde::Serialize;

use crate::error::{ApiError, PlaygroundError};

/// Networks that are kept in memory.
const KEPT: usize = 6;
/// Folders that are looked at; a folder of more is not one of runs.
const MAX_FOLDERS: usize = 500;

/// A network that can be chosen.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Choice {
    /// How requests name it.
    pub(crate) id: String,
    /// How people read it.
    pub(crate) name: String,
    /// `mlp` or `cnn`.
    pub(crate) kind: String,
    /// Trainable parameters.
    pub(crate) parameters: usize,
    /// Accuracy on the test split, once known.
    pub(crate) accuracy: Option<f64>,
    /// Name of the data set.
    pub(crate) dataset: String,
    /// Classes that it tells apart, where the configuration can be read.
    pub(crate) classes: Option<usize>,
}

/// A network that is ready to answer.
pub(crate) struct Network {
    pub(crate) choice: Choice,
    pub(crate) run: LoadedRun,
    /// The same network with autodiff, its parameters fixed: gradients go to the input alone.
    pub(crate) differentiable: Model,
    /// Changes whenever the run does.
    version: String,
}

/// Where a network is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) folder: RunFolder,
}

pub(crate) struct Networks {
    artifacts: PathBuf,
    named: Vec<RunFolder>,
    device: Device,
    loaded: Mutex<VecDeque<Arc<Network>>>,
}

impl Networks {
    pub(crate) fn new(
        artifacts: PathBuf,
        named: Vec<PathBuf>,
        device: Device,
    ) -> Result<Self, PlaygroundError> {
        let usable = |path| {
            let folder = RunFolder::named(path)?;
            folder.describe().map(|_| folder)
        };
        let named = named
            .into_iter()
            .map(usable)
            .collect::<Result<_, TrainError>>()?;
        Ok(Self {
            artifacts,
            named,
            device,
            loaded: Mutex::default(),
        })
    }

    /// Every run: those named on the command line, the pretrained ones, then the folder's by name.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |id: Option<String>, folder: RunFolder| {
            let name = folder.path().display().to_string();
            let id = id.unwrap_or_else(|| name.clone());
            Place { id, name, folder }
        };
        let named = self.named.iter().enumerate();
        let named = named.map(|(at, folder)| place(Some(format!("named:{at}")), folder.clone()));
        let pretrained = RunFolder::all_pretrained().map(|folder| place(None, folder));
        // Symbolic links are left out: what they point to may lie elsewhere.
        let mut inside: Vec<Place> = fs::read_dir(&self.artifacts)
            .into_iter()
            .flatten()
            .flatten()
            .take(MAX_FOLDERS)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| RunFolder::new(entry.path()).exists())
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some(Place {
                    id: format!("run:{name}"),
                    folder: RunFolder::new(entry.path()),
                    name,
                })
            })
            .collect();
        inside.sort_by(|a, b| a.name.cmp(&b.name));
        named.chain(pretrained).chain(inside).collect()
    }

    /// The run of this id. Ids are compared with what is there, never made into a path, so none
    /// can leave the folder.
    pub(crate) fn place(&self, id: &str) -> Result<Place, ApiError> {
        self.places()
            .into_iter()
            .find(|place| place.id == id)
            .ok_or_else(|| ApiError::missing("there is no such run (any more); reload the page"))
    }

    /// The networks that can be chosen: every run with at least one finished epoch.
    pub(crate) fn list(&self) -> Vec<Choice> {
        self.places()
            .into_iter()
            .filter_map(|place| {
                let record = place.folder.record().ok()?;
                record.has_network().then(|| choice(&place, &record))
            })
            .collect()
    }

    /// The network of this id, loaded if it is not or if its run has gone on.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Network>, ApiError> {
        let place = self.place(id)?;
        let version = place.folder.record().map_err(unusable)?.checksum;
        let mut loaded = lock(&self.loaded);
        let known = loaded
            .iter()
            .position(|network| network.choice.id == place.id && network.version == version);
        if let Some(network) = known.and_then(|position| loaded.remove(position)) {
            loaded.push_front(Arc::clone(&network));
            return Ok(network);
        }
        drop(loaded);
        let network = Arc::new(self.load(&place)?);
        let mut loaded = lock(&self.loaded);
        loaded.retain(|other| other.choice.id != place.id);
        loaded.push_front(Arc::clone(&network));
        loaded.truncate(KEPT);
        Ok(network)
    }

    /// Loads the first network of each kind.
    pub(crate) fn warm_up(&self) {
        let all = self.list();
        for kind in ["mlp", "cnn"] {
            if let Some(choice) = all.iter().find(|choice| choice.kind == kind) {
                // A network that cannot be loaded is reported when it is used.
                let _ = self.get(&choice.id);
            }
        }
    }

    fn load(&self, place: &Place) -> Result<Network, ApiError> {
        let load = |device: &Device| place.folder.load(device).map_err(unusable);
        let run = load(&self.device)?;
        let twin = load(&self.device.clone().autodiff())?;
        Ok(Network {
            choice: choice(place, &run.record),
            version: run.record.checksum.clone(),
            run,
            differentiable: twin.model.no_grad(),
        })
    }
}

fn choice(place: &Place, record: &RunRecord) -> Choice {
    let settings = place.folder.settings();
    Choice {
        id: place.id.clone(),
        name: place.name.clone(),
        kind: record.model.clone(),
        parameters: record.parameters,
        accuracy: record.result.map(|result| result.test_accuracy),
        dataset: record.dataset.name.clone(),
        classes: settings.ok().map(|config| config.model.input().classes),
    }
}

/// A run that cannot be used now: damaged, locked, gone.
fn unusable(error: TrainError) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, error.to_string())
}

/// A lock whose earlier holder may have panicked; what it guards is replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
