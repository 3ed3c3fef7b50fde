//! The digits of the test split, opened when the first one is asked for.

use std::sync::{Arc, Mutex, OnceLock, TryLockError};

use digits_data::{Dataset, Event, Images, OpenOptions, Source, drawn, open};
use digits_train::DatasetRecord;
use hyper::StatusCode;

use crate::error::ApiError;
use crate::networks::lock;

/// Test splits that are kept beside the one that digits are shown from.
const KEPT: usize = 4;

pub(crate) struct Samples {
    source: Source,
    options: OpenOptions,
    opened: OnceLock<Opened>,
    /// Held while the data set is opened.
    opening: Mutex<()>,
    /// Opened for runs that were trained on other data, the newest first.
    others: Mutex<Vec<Opened>>,
}

#[derive(Clone)]
struct Opened {
    name: String,
    fingerprint: String,
    test: Arc<Images>,
}

impl Opened {
    fn new(dataset: Dataset) -> Result<Self, ApiError> {
        Ok(Self {
            test: Arc::new(dataset.open_test().map_err(ApiError::failed)?),
            name: dataset.name,
            fingerprint: dataset.fingerprint,
        })
    }
}

impl Samples {
    pub(crate) fn new(source: Source, options: OpenOptions) -> Self {
        Self {
            source,
            options,
            opened: OnceLock::new(),
            opening: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// Name of the data set and its test split.
    pub(crate) fn test(&self) -> Result<(String, Arc<Images>), ApiError> {
        self.open().map(|opened| (opened.name, opened.test))
    }

    /// Whether the test split is there, so that a digit of it costs nothing.
    pub(crate) fn is_open(&self) -> bool {
        self.opened.get().is_some()
    }

    /// The test split of the data that a run was trained on: the one that is open, one opened
    /// before, or that at `source`, where the run says that it was.
    pub(crate) fn test_of(
        &self,
        wanted: &DatasetRecord,
        source: &Source,
    ) -> Result<Arc<Images>, ApiError> {
        let fits = |opened: &&Opened| opened.fingerprint == wanted.fingerprint;
        if let Some(opened) = self.opened.get().filter(fits) {
            return Ok(Arc::clone(&opened.test));
        }
        let mut others = lock(&self.others);
        if let Some(opened) = others.iter().find(fits) {
            return Ok(Arc::clone(&opened.test));
        }
        // `auto` was one of two; the record knows which.
        let source = match (source, wanted.name.as_str()) {
            (Source::Auto, "drawn") => &Source::Drawn(drawn::TRAIN),
            (Source::Auto, _) => &Source::Mnist,
            (source, _) => source,
        };
        let name = &wanted.name;
        let problem = |reason: &str| {
            ApiError::missing(format!(
                "the matrix needs the test split of {name}, the data that this run was trained on. {reason}"
            ))
        };
        // What --data names may be the same data in another place.
        if let Some(opened) = self.open().ok().filter(|opened| fits(&opened)) {
            return Ok(opened.test);
        }
        let dataset = open(source, &self.options, &mut |_| {})
            .map_err(|error| problem(&format!("{error}. Then ask again")))?;
        if dataset.fingerprint != wanted.fingerprint {
            return Err(problem(&format!(
                "What is at {source} now is other data; start the playground with --data DIR, where DIR holds it"
            )));
        }
        let opened = Opened::new(dataset)?;
        let test = Arc::clone(&opened.test);
        others.insert(0, opened);
        others.truncate(KEPT);
        Ok(test)
    }

    /// A digit that the program draws itself, with its label; needs no data set.
    pub(crate) fn drawn(index: usize) -> Result<Images, ApiError> {
        drawn::images(drawn::SEED, drawn::TRAIN + index % drawn::TEST, 1).map_err(ApiError::failed)
    }

    fn open(&self) -> Result<Opened, ApiError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        // Opening may mean a download: who asks meanwhile is told so instead of taking a turn.
        let _opening = match self.opening.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(ApiError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the test digits are being opened; try again in a moment",
                ));
            }
        };
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        let dataset = open(&self.source, &self.options, &mut |event| {
            // Which digits these are is no small thing: the person who started the server reads
            // it, and the page shows the name of the data set.
            if let Event::Notice(text) = event {
                eprintln!("note: {text}");
            }
        })
        .map_err(ApiError::failed)?;
        let opened = Opened::new(dataset)?;
        Ok(self.opened.get_or_init(|| opened).clone())
    }
}
