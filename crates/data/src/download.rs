use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use reqwest::Client;

use crate::cache::{self, Cache};
use crate::dataset::Event;
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

/// Fetches the files that the cache lacks. `Err` has one line for each mirror that failed.
pub(crate) fn fetch(
    cache: &Cache,
    mirrors: &[String],
    on_event: &mut dyn FnMut(Event),
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the network: {error}\n"))?;
    let deadline = Instant::now() + REACH;
    let mut reached = false;
    let mut reasons = String::new();
    for index in cache.missing() {
        let name = FILES[index];
        let mut done = false;
        for mirror in mirrors {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let patience = if reached { STALL } else { remaining };
            if patience.is_zero() {
                reasons += &format!("  {mirror}: not tried, the others did not answer in time\n");
                continue;
            }
            let url = format!("{mirror}{name}.gz");
            let outcome = runtime
                .block_on(download(&url, patience, &mut |event| on_event(event), name))
                .and_then(|packed| unpack(&packed))
                .and_then(|bytes| cache::check(index, &bytes).map(|()| bytes));
            match outcome {
                Ok(bytes) => {
                    reached = true;
                    cache
                        .put(index, &bytes)
                        .map_err(|error| format!("  {error}\n"))?;
                    done = true;
                    break;
                }
                Err(reason) => reasons += &format!("  {url}: {reason}\n"),
            }
        }
        if !done {
            return Err(reasons);
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
