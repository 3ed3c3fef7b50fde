//! Three small trained networks, and requests without a socket.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod browser;
pub mod http;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::Device;
use bytes::Bytes;
use digits_data::idx;
use digits_data::{ImageShape, Images, OpenOptions, Source, drawn, open};
use digits_playground::{App, Options, Server};
use digits_train::{
    Callbacks, Event, LoadedRun, Recipe, RunFolder, StartFrom, TrainingJob, input_of, train,
};
use digits_verify::Precision;
use hyper::{Request, Response};
use serde_json::Value;
use tempfile::TempDir;

/// A data set of drawn digits, the runs `mlp` and `cnn` trained on it, and `other`, an MLP on
/// [`other_data`].
pub struct Fixture {
    _folder: TempDir,
    pub artifacts: PathBuf,
    pub data: PathBuf,
}

/// Trained once for each test binary.
pub fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let [data, other, artifacts] =
            ["data", "other", "artifacts"].map(|n| folder.path().join(n));
        write_data(&data, 1200, 300);
        other_data(&other);
        for (kind, epochs, data, name) in [
            ("mlp", 2, &data, "mlp"),
            ("cnn", 2, &data, "cnn"),
            ("mlp", 1, &other, "other"),
        ] {
            small_run(kind, epochs, data, &artifacts.join(name), &mut |_| {});
        }
        Fixture {
            _folder: folder,
            artifacts,
            data,
        }
    })
}

/// Drawn digits as a data set of so many training and test images.
pub fn write_data(folder: &Path, train: usize, test: usize) {
    idx::write(folder, idx::TRAIN, &drawn::images(1, 0, train).unwrap()).unwrap();
    idx::write(folder, idx::TEST, &drawn::images(1, train, test).unwrap()).unwrap();
}

/// A data set of 12×20 pixels and three classes: a bright left, middle or right.
fn other_data(folder: &Path) {
    let (height, width) = (12, 20);
    for (split, count) in [(idx::TRAIN, 300), (idx::TEST, 30)] {
        let labels: Vec<u8> = (0..count).map(|n| (n % 3) as u8).collect();
        let bright = |label: u8, at: usize| at % width / 7 == usize::from(label);
        let shade = |label, at| if bright(label, at) { 200 } else { 9 };
        let pixels = |&label: &u8| (0..height * width).map(move |at| shade(label, at));
        let pixels = labels.iter().flat_map(pixels).collect();
        let images = Images::new(ImageShape { height, width }, 3, pixels, labels).unwrap();
        idx::write(folder, split, &images).unwrap();
    }
}

/// Trains `mlp-small` or `cnn-small` for a moment.
pub fn small_run(
    kind: &str,
    epochs: usize,
    data: &Path,
    folder: &Path,
    on_event: &mut dyn FnMut(Event),
) {
    let mut recipe = Recipe::built_in(&format!("{kind}-small")).unwrap();
    recipe.set(&format!("training.epochs={epochs}")).unwrap();
    for fixed in [
        "training.batch_size=32",
        "training.validation=200",
        "threads=1",
    ] {
        recipe.set(fixed).unwrap();
    }
    let name = recipe.name.clone();
    let mut config = recipe.resolve().unwrap();
    config.data = Source::Folder(data.to_owned());
    let dataset = open(&config.data, &OpenOptions::default(), &mut |_| {}).unwrap();
    config.model = config.model.with_input(input_of(&dataset.train));
    let job = TrainingJob {
        recipe: &name,
        config,
        dataset: &dataset,
        device: &Device::flex(),
        folder: &RunFolder::new(folder),
        start_from: StartFrom::Seed,
    };
    let mut callbacks = Callbacks {
        on_event,
        should_stop: &|| false,
    };
    train(job, &mut callbacks).unwrap();
}

/// The media types of bodies.
pub const PICTURE: &str = "application/octet-stream";
pub const JSON: &str = "application/json";
/// Both pretrained networks look at a picture.
pub const LOOK: &str = "/api/look?first=pretrained/mlp&second=pretrained/cnn";

/// One of the fixture's runs, loaded.
pub fn loaded(name: &str) -> LoadedRun {
    let folder = RunFolder::new(fixture().artifacts.join(name));
    folder.load(&Device::flex()).unwrap()
}

/// The app on the fixture's runs.
pub fn app() -> App {
    app_on(&fixture().artifacts)
}

/// The app on any folder of runs.
pub fn app_on(artifacts: &Path) -> App {
    App::new(options(artifacts)).unwrap()
}

/// What [`app_on`] is made of. No test waits for the network.
pub fn options(artifacts: &Path) -> Options {
    Options {
        artifacts: artifacts.to_owned(),
        runs: Vec::new(),
        data: Source::Folder(fixture().data.clone()),
        open: OpenOptions {
            offline: true,
            ..OpenOptions::default()
        },
        device: Device::flex(),
        precision: Precision::F64,
        host: Ipv4Addr::LOCALHOST.into(),
    }
}

/// The answer to a request.
pub fn ask(app: &App, method: &str, path: &str, kind: &str, body: &[u8]) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(path);
    let request = request
        .header("host", "127.0.0.1:8814")
        .header("content-type", kind);
    app.respond(&request.body(Bytes::copy_from_slice(body)).unwrap())
}

/// The answer to GET.
pub fn get(app: &App, path: &str) -> Response<Bytes> {
    ask(app, "GET", path, "", b"")
}

/// The answer to a question in JSON.
pub fn post(app: &App, path: &str, question: &Value) -> Response<Bytes> {
    ask(app, "POST", path, JSON, question.to_string().as_bytes())
}

/// A picture sent to one of the addresses of the Draw part, with two of the fixture's networks.
pub fn picture(app: &App, path: &str, query: &str, body: &[u8]) -> Response<Bytes> {
    let path = format!("/api/{path}?first=run:mlp&second=run:cnn{query}");
    ask(app, "POST", &path, PICTURE, body)
}

/// The JSON document of an answer that must be one.
pub fn json(response: &Response<Bytes>) -> Value {
    assert_eq!(response.status(), 200, "{:?}", response.body());
    serde_json::from_slice(response.body()).unwrap()
}

/// A refusal must have this status, and these parts in its sentence.
pub fn refused(response: &Response<Bytes>, status: u16, parts: &[&str]) {
    assert_eq!(response.status(), status, "{:?}", response.body());
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let message = body["error"].as_str().unwrap();
    assert!(
        parts.iter().all(|part| message.contains(part)),
        "{message}, {parts:?}"
    );
}

/// Gray bytes as PGM.
pub fn pgm(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let head = format!("P5\n{width} {height}\n255\n");
    [head.as_bytes(), pixels].concat()
}

/// A blank sheet of 100×100 with a thick vertical line.
pub fn one() -> Vec<u8> {
    let inked = |at: usize| (20..80).contains(&(at / 100)) && (46..54).contains(&(at % 100));
    let pixels: Vec<u8> = (0..100 * 100).map(|at| 255 * u8::from(inked(at))).collect();
    pgm(100, 100, &pixels)
}

/// A server on a free port of this machine; it ends when this is dropped.
pub struct Running {
    pub address: SocketAddr,
    stop: digits_playground::Stop,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Starts a server.
pub fn serve(app: App) -> Running {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), app).unwrap();
    let (address, stop) = (server.address(), server.stop_handle());
    let thread = std::thread::spawn(move || server.run().unwrap());
    Running {
        address,
        stop,
        thread: Some(thread),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

/// A JSON list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The numbers of a JSON list.
pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

/// As many numbers, equal up to the last digit, which JSON may round.
pub fn close(found: &[f64], expected: &[f64]) -> bool {
    let is_close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 * b.abs().max(1.0);
    found.len() == expected.len() && found.iter().zip(expected).all(is_close)
}
