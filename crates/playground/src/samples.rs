//! The digits of the test split, opened when the first one is asked for.

use std::sync::{Arc, Mutex, OnceLock, TryLockError};

use digits_data::{Event, Images, OpenOptions, Source, drawn, open};
use hyper::StatusCode;

use crate::error::Refusal;

pub(crate) struct Samples {
    source: Source,
    options: OpenOptions,
    opened: OnceLock<Opened>,
    /// Held while the data set is opened.
    opening: Mutex<()>,
}

#[derive(Clone)]
struct Opened {
    name: String,
    fingerprint: String,
    test: Arc<Images>,
}

impl Samples {
    pub(crate) fn new(source: Source, options: OpenOptions) -> Self {
        Self {
            source,
            options,
            opened: OnceLock::new(),
            opening: Mutex::default(),
        }
    }

    /// Name of the data set and its test split.
    pub(crate) fn test(&self) -> Result<(String, Arc<Images>), Refusal> {
        self.open().map(|opened| (opened.name, opened.test))
    }

    /// The test split of the data with this fingerprint.
    pub(crate) fn test_of(&self, fingerprint: &str) -> Result<Arc<Images>, Refusal> {
        let opened = self.open()?;
        if opened.fingerprint == fingerprint {
            Ok(opened.test)
        } else {
            Err(Refusal::bad(format!(
                "this run was trained on other data than {}, which the playground has open; name its data with --data",
                opened.name
            )))
        }
    }

    /// A digit that the program draws itself, with its label; needs no data set.
    pub(crate) fn drawn(index: usize) -> Result<Images, Refusal> {
        drawn::images(drawn::SEED, drawn::TRAIN + index % drawn::TEST, 1).map_err(Refusal::failed)
    }

    fn open(&self) -> Result<Opened, Refusal> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        // Opening may mean a download: who asks meanwhile is told so instead of taking a turn.
        let _opening = match self.opening.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Refusal::new(
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
        .map_err(Refusal::failed)?;
        let opened = Opened {
            test: Arc::new(dataset.open_test().map_err(Refusal::failed)?),
            name: dataset.name,
            fingerprint: dataset.fingerprint,
        };
        Ok(self.opened.get_or_init(|| opened).clone())
    }
}
