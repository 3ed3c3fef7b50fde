use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn_dataset::Dataset as _;
use burn_dataset::vision::MnistDataset;
use reqwest::{Client, Response};
use serde::Serialize;
use tokio::runtime::Builder;

use super::HASHES;
use crate::DataError;
use crate::files::{Lock, lock, sha256, write_whole};
use crate::images::{ImageShape, Images};
use crate::source::idx::{self, FILES, unpack};
use crate::source::{Dataset, Event, OpenOptions, Source};

/// Sizes in bytes of the four files of MNIST, uncompressed, in the order of [`FILES`].
const SIZES: [usize; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

/// Where MNIST is fetched from, in this order; each holds the four gzipped files.
const MIRRORS: [&str; 3] = [
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
];

/// A connection must stand within this time, all mirrors together: with no network it is known
/// within 5 seconds that there is none.
const REACH: Duration = Duration::from_millis(4500);
/// A transfer that brings nothing for this long is given up.
const STALL: Duration = Duration::from_secs(15);
/// A gzipped file of MNIST has at most 10 MB, unpacked 47 MB; anything larger is not it.
const MAX_PACKED: usize = 16 << 20;
const MAX_UNPACKED: u64 = 64 << 20;

/// MNIST from the cache, into which it is fetched unless it is there.
pub fn open(options: &OpenOptions, on_event: &mut dyn FnMut(Event)) -> Result<Dataset, DataError> {
    Cache::of_user()?.fetch(options, on_event)?;
    Ok(Dataset {
        name: Source::Mnist.to_string(),
        source: Source::Mnist,
        fingerprint: super::fingerprint(),
        train: read(&MnistDataset::train())?,
    })
}

/// The test images of MNIST, which is in the cache.
pub fn open_test() -> Result<Images, DataError> {
    read(&MnistDataset::test())
}

fn read(dataset: &MnistDataset) -> Result<Images, DataError> {
    let mut pixels = Vec::with_capacity(dataset.len() * ImageShape::MNIST.pixels());
    let mut labels = Vec::with_capacity(dataset.len());
    for index in 0..dataset.len() {
        let item = dataset.get(index);
        let item = item.map_err(|error| DataError::Invalid(format!("mnist: {error}")))?;
        // Burn hands the bytes out as f32; they are whole numbers from 0 to 255.
        pixels.extend(item.image.iter().flatten().map(|&value| value as u8));
        labels.push(item.label);
    }
    Images::new(ImageShape::MNIST, 10, pixels, labels)
}

/// Place (an address, or the cache) and reason of each attempt that failed.
type Failures = Vec<(String, String)>;

/// The place where Burn's `MnistDataset` looks for its files: `burn-dataset/mnist/{train,test}`
/// in the user's cache folder. Burn trusts whatever is there, so nothing else may put files there
/// unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// What is known about one file of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileStatus {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Whether it is there and right.
    pub ok: bool,
    /// What is wrong otherwise.
    pub problem: Option<String>,
}

impl Cache {
    /// The cache of this user, where Burn looks.
    ///
    /// # Errors
    /// There is no cache folder because neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn of_user() -> Result<Self, DataError> {
        let nowhere = || {
            let story = "no cache folder: neither XDG_CACHE_HOME nor HOME is set. Set one, or give a folder with --data DIR";
            let brief = "there is no folder for a cache";
            DataError::Unavailable(story.to_owned(), brief.to_owned())
        };
        let folder = dirs::cache_dir().ok_or_else(nowhere)?;
        Ok(Self::at(folder.join("burn-dataset/mnist")))
    }

    /// A cache at another place; for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Checks size and SHA-256 of all four files.
    pub fn status(&self) -> Vec<FileStatus> {
        let status = |index| {
            let path = self.file(index);
            let problem = match fs::read(&path) {
                Ok(bytes) => check(index, &bytes).err(),
                Err(error) if error.kind() == ErrorKind::NotFound => Some("not there".into()),
                Err(error) => Some(error.to_string()),
            };
            let ok = problem.is_none();
            FileStatus { path, ok, problem }
        };
        (0..FILES.len()).map(status).collect()
    }

    /// Whether all four files are there and right.
    pub fn is_whole(&self) -> bool {
        self.status().iter().all(|file| file.ok)
    }

    /// Copies MNIST from a folder (raw or gzipped files) into the cache, all four checked before
    /// the first is written.
    ///
    /// # Errors
    /// Files that are missing, unreadable or not MNIST's; a cache that cannot be written.
    pub fn import(&self, folder: &Path, on_event: &mut dyn FnMut(Event)) -> Result<(), DataError> {
        let mut contents = Vec::new();
        for (index, name) in FILES.into_iter().enumerate() {
            let path = idx::find(folder, name)?;
            let bytes = idx::read_bytes(&path)?;
            if let Err(reason) = check(index, &bytes) {
                let path = path.display();
                let text = format!("{path} is not the MNIST file it is named after: {reason}");
                return Err(DataError::Invalid(text));
            }
            contents.push(bytes);
        }
        let _lock = self.lock(on_event)?;
        for (index, bytes) in contents.iter().enumerate() {
            self.put(index, bytes)?;
        }
        Ok(())
    }

    /// Fetches what is missing or wrong.
    ///
    /// # Errors
    /// [`DataError::Unavailable`] with one line for each mirror, or a cache that cannot be
    /// written.
    pub fn fetch(
        &self,
        options: &OpenOptions,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), DataError> {
        if self.is_whole() {
            return Ok(());
        }
        let unavailable = |reasons: &str, brief: &str| {
            let cache = self.path().display();
            let story = format!(
                "MNIST is not in {cache} and could not be fetched:\n{reasons}\
                 Three ways out: connect to the internet and run it again (or `digits data fetch`); \
                 import the four files from a folder (`digits data import DIR`); \
                 or use another data set (`--data drawn`, or `--data DIR` for any folder in IDX form)"
            );
            DataError::Unavailable(story, brief.to_owned())
        };
        if options.offline {
            let reason = "the network is switched off (--offline)";
            return Err(unavailable(&format!("  {reason}\n"), reason));
        }
        let _lock = self.lock(on_event)?;
        let usual = || MIRRORS.map(str::to_owned).to_vec();
        let mirrors = options.mirrors.clone().unwrap_or_else(usual);
        let failures = match wait_for(fetch(self, &mirrors, on_event)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failures)) => failures,
            Err(error) => vec![(
                "the network".to_owned(),
                format!("it cannot be started: {error}"),
            )],
        };
        let line = |(place, reason): &(String, String)| format!("  {place}: {reason}\n");
        let lines: String = failures.iter().map(line).collect();
        // They mostly agree; the last is the one that ended the attempt.
        let brief = failures.last().map_or("no mirror", |(_, reason)| reason);
        Err(unavailable(&lines, brief))
    }

    /// Waits for other processes that change the cache. Where the file system has no locks, each
    /// file is still written whole: two processes at once do the work twice.
    fn lock(&self, on_event: &mut dyn FnMut(Event)) -> Result<Lock, DataError> {
        fs::create_dir_all(&self.root).map_err(DataError::io("create", &self.root))?;
        let path = self.root.join(".lock");
        let lock = lock(&path, true).map_err(DataError::io("lock", &path))?;
        if let Lock::Unsupported(error) = &lock {
            on_event(Event::Notice(format!(
                "the file system of {} has no file locks ({error}): nothing keeps other processes from changing the cache at the same time",
                self.root.display()
            )));
        }
        Ok(lock)
    }

    /// Puts a content that was checked in its place.
    fn put(&self, index: usize, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.file(index);
        write_whole(&path, bytes).map_err(DataError::io("write", &path))
    }

    fn file(&self, index: usize) -> PathBuf {
        let split = if index < 2 { "train" } else { "test" };
        self.root.join(split).join(FILES[index])
    }
}

/// Whether a content is the MNIST file of this index; `Err` says what is wrong.
fn check(index: usize, bytes: &[u8]) -> Result<(), String> {
    let (name, size, hash) = (FILES[index], SIZES[index], HASHES[index]);
    let length = bytes.len();
    if length != size {
        return Err(format!("it has {length} bytes, and {name} has {size}"));
    }
    match sha256(bytes) {
        found if found == hash => Ok(()),
        found => Err(format!(
            "its SHA-256 is {found}, and that of {name} is {hash}"
        )),
    }
}

/// Runs something that waits for the network, and returns when it does. Dropping the runtime
/// would wait for its threads, one of which may be asking a name server that never answers: the
/// system's own patience is 10 seconds and more.
fn wait_for<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(outcome)
}

/// Fetches the files that the cache lacks.
async fn fetch(
    cache: &Cache,
    mirrors: &[String],
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Failures> {
    let mut deadline = Instant::now() + REACH;
    let mut reached = false;
    let mut first = 0; // the mirror that served last
    let mut failures = Vec::new();
    let status = cache.status();
    let missing = (0..FILES.len()).filter(|&index| !status[index].ok);
    'files: for index in missing {
        let name = FILES[index];
        for position in 0..mirrors.len() {
            let mirror = (first + position) % mirrors.len();
            // A mirror that says nothing leaves the others their share of the time.
            let remaining = deadline.saturating_duration_since(Instant::now());
            let share = remaining / (mirrors.len() - position) as u32;
            let patience = if reached { STALL } else { share };
            let url = format!("{}{name}.gz", mirrors[mirror]);
            let mut arrived = false;
            let mut on_event = |event| {
                arrived = true;
                on_event(event);
            };
            let outcome = download(&url, patience, &mut on_event, name)
                .await
                .and_then(|packed| unpack(&packed, MAX_UNPACKED))
                .and_then(|bytes| check(index, &bytes).map(|()| bytes));
            match outcome {
                Ok(bytes) => {
                    (reached, first) = (true, mirror);
                    if let Err(error) = cache.put(index, &bytes) {
                        failures.push(("the cache".to_owned(), error.to_string()));
                        return Err(failures);
                    }
                    continue 'files;
                }
                Err(reason) => failures.push((url, reason)),
            }
            if arrived {
                // There is a network, and a transfer that broke off took its own time.
                deadline = Instant::now() + REACH;
            }
        }
        return Err(failures);
    }
    Ok(())
}

async fn download(
    url: &str,
    patience: Duration,
    on_event: &mut dyn FnMut(Event),
    name: &'static str,
) -> Result<Vec<u8>, String> {
    let client = Client::builder()
        .connect_timeout(patience)
        .read_timeout(STALL)
        .user_agent(concat!("digits/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(describe)?;
    let response = tokio::time::timeout(patience, client.get(url).send())
        .await
        .map_err(|_| "no answer in time".to_owned())?;
    let mut response = response
        .and_then(Response::error_for_status)
        .map_err(describe)?;
    let total = response.content_length();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_PACKED {
            return Err("it sends more than MNIST has".to_owned());
        }
        on_event(Event::Download {
            file: name,
            bytes: bytes.len() as u64,
            total,
        });
    }
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err("it sends a web page instead of the file".to_owned());
    }
    Ok(bytes)
}

/// The chain of causes in one line, without the address, which the caller names.
fn describe(error: reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = &error;
    while let Some(cause) = source.source() {
        source = cause;
    }
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if let Some(status) = error.status() {
        format!("the server answers {status}")
    } else {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_never_answers_does_not_hold_the_program_up() {
        let started = Instant::now();
        let work = async {
            // Names are looked up on such a thread, by a call that cannot be cut short.
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(20)));
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        wait_for(work).unwrap();
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
