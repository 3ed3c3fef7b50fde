use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reqwest::Client;
use tokio::runtime::{Builder, Runtime};

use crate::cache::{self, Cache};
use crate::event::Event;
use crate::idx::FILES;

/// Where MNIST is fetched from, in this order; each holds the four gzipped files.
pub const MIRRORS: [&str; 3] = [
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

/// Why one attempt failed.
pub(crate) struct Failure {
    /// The address, or the file that could not be written.
    pub place: String,
    /// In a few words.
    pub reason: String,
}

/// Fetches the files that the cache lacks. `Err` has one entry for each attempt that failed.
pub(crate) fn fetch(
    cache: &Cache,
    mirrors: &[String],
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Vec<Failure>> {
    with_runtime(|runtime| fetch_with(runtime, cache, mirrors, on_event)).unwrap_or_else(|reason| {
        Err(vec![Failure {
            place: "the network".to_owned(),
            reason,
        }])
    })
}

/// Runs something that waits for the network, and returns when it does. Dropping the runtime
/// would wait for its threads, one of which may be asking a name server that never answers: the
/// system's own patience is 10 seconds and more.
fn with_runtime<T>(work: impl FnOnce(&Runtime) -> T) -> Result<T, String> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let outcome = work(&runtime);
    runtime.shutdown_background();
    Ok(outcome)
}

fn fetch_with(
    runtime: &Runtime,
    cache: &Cache,
    mirrors: &[String],
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Vec<Failure>> {
    let mut deadline = Instant::now() + REACH;
    let mut reached = false;
    let mut first = 0; // the mirror that served last
    let mut failures = Vec::new();
    for index in cache.missing() {
        let name = FILES[index];
        let mut done = false;
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
            let outcome = runtime
                .block_on(download(&url, patience, &mut on_event, name))
                .and_then(|packed| unpack(&packed))
                .and_then(|bytes| cache::check(index, &bytes).map(|()| bytes));
            match outcome {
                Ok(bytes) => {
                    (reached, first) = (true, mirror);
                    if let Err(error) = cache.put(index, &bytes) {
                        failures.push(Failure {
                            place: "the cache".to_owned(),
                            reason: error.to_string(),
                        });
                        return Err(failures);
                    }
                    done = true;
                    break;
                }
                Err(reason) => {
                    failures.push(Failure { place: url, reason });
                    if arrived {
                        // There is a network, and a transfer that broke off took its own time.
                        deadline = Instant::now() + REACH;
                    }
                }
            }
        }
        if !done {
            return Err(failures);
        }
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
        .map_err(|error| describe(&error))?;
    let response = tokio::time::timeout(patience, client.get(url).send())
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| describe(&error))?;
    let mut response = response
        .error_for_status()
        .map_err(|error| describe(&error))?;
    let total = response.content_length();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
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
    Ok(bytes)
}

/// The chain of causes in one line, without the address, which the caller names.
fn describe(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
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

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    if packed.trim_ascii_start().starts_with(b"<") {
        return Err("it sends a web page instead of the file".to_owned());
    }
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(MAX_UNPACKED)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("its gzip compression is damaged or cut off ({error})"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_never_answers_does_not_hold_the_program_up() {
        let started = Instant::now();
        let answer = with_runtime(|runtime| {
            // Names are looked up on such a thread, by a call that cannot be cut short.
            runtime.spawn_blocking(|| std::thread::sleep(Duration::from_secs(20)));
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
            1
        });
        assert_eq!(answer, Ok(1));
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
    }
}
