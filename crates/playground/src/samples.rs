//! The digits of the test split, opened when the first one is asked for.

use std::sync::{Arc, Mutex};

use digits_data::{Images, OpenOptions, Source, open};

use crate::error::Refusal;
use crate::networks::lock;

pub(crate) struct Samples {
    source: Source,
    options: OpenOptions,
    opened: Mutex<Option<Opened>>,
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
            opened: Mutex::default(),
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

    fn open(&self) -> Result<Opened, Refusal> {
        let mut slot = lock(&self.opened);
        if let Some(opened) = &*slot {
            return Ok(opened.clone());
        }
        // Progress of a download has no place on the page; the request waits.
        let dataset = open(&self.source, &self.options, &mut |_| {}).map_err(Refusal::failed)?;
        let opened = Opened {
            test: Arc::new(dataset.open_test().map_err(Refusal::failed)?),
            name: dataset.name,
            fingerprint: dataset.fingerprint,
        };
        Ok(slot.insert(opened).clone())
    }
}
