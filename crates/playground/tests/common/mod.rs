//! Two small trained networks, and requests without a socket.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod browser;
pub mod http;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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

/// A data set of drawn digits and the runs `small-mlp` and `small-cnn` trained on it.
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
        let data = folder.path().join("data");
        let artifacts = folder.path().join("artifacts");
        write_data(&data, 1200, 300);
        for kind in ["mlp", "cnn"] {
            small_run(kind, 2, &data, &artifacts.join(format!("small-{kind}")));
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
pub fn other_data(folder: &Path) {
    let (height, width) = (12, 20);
    let shape = ImageShape { height, width };
    for (split, count) in [(idx::TRAIN, 300), (idx::TEST, 30)] {
        let labels: Vec<u8> = (0..count).map(|n| (n % 3) as u8).collect();
        let bright = |label: u8, at: usize| at % width / 7 == usize::from(label);
        let shade = |label, at| if bright(label, at) { 200 } else { 9 };
        let pixels = labels
            .iter()
            .flat_map(|&label| (0..height * width).map(move |at| shade(label, at)));
        let pixels = pixels.collect();
        let images = Images::new(shape, 3, pixels, labels).unwrap();
        idx::write(folder, split, &images).unwrap();
    }
}

/// Trains `mlp-small` or `cnn-small` for a moment.
pub fn small_run(kind: &str, epochs: usize, data: &Path, folder: &Path) {
    small_run_watched(kind, epochs, data, folder, &mut |_| {});
}

/// The same with something to do at every event of the training.
pub fn small_run_watched(
    kind: &str,
    epochs: usize,
    data: &Path,
    folder: &Path,
    on_event: &mut dyn FnMut(Event),
) {
    let mut recipe = Recipe::built_in(&format!("{kind}-small")).unwrap();
    recipe.set(&format!("training.epochs={epochs}")).unwrap();
    for setting in [
        "training.batch_size=32",
        "training.validation=200",
        "threads=1",
    ] {
        recipe.set(setting).unwrap();
    }
    let name = recipe.name.clone();
    let mut config = recipe.resolve().unwrap();
    config.data = Source::Folder(data.to_owned());
    let dataset = open(&config.data, &OpenOptions::default(), &mut |_| {}).unwrap();
    config.model = config.model.with_input(input_of(&dataset.train));
    train(
        TrainingJob {
            recipe: &name,
            config,
            dataset: &dataset,
            device: &Device::flex(),
            folder: &RunFolder::new(folder),
            start_from: StartFrom::Seed,
        },
        &mut Callbacks {
            on_event,
            should_stop: &|| false,
        },
    )
    .unwrap();
}

/// The media types of bodies.
pub const PICTURE: &str = "application/octet-stream";
pub const JSON: &str = "application/json";
/// Both pretrained networks look at a picture.
pub const LOOK: &str = "/api/look?first=pretrained/mlp&second=pretrained/cnn";

/// One of the fixture's runs, loaded.
pub fn loaded(kind: &str) -> LoadedRun {
    let folder = RunFolder::new(fixture().artifacts.join(format!("small-{kind}")));
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
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// The answer to GET.
pub fn get(app: &App, path: &str) -> Response<Bytes> {
    let request = Request::get(path).header("host", "127.0.0.1:8814");
    app.respond(&request.body(Bytes::new()).unwrap())
}

/// The answer to POST.
pub fn post(app: &App, path: &str, kind: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let request = Request::post(path)
        .header("host", "127.0.0.1:8814")
        .header("content-type", kind);
    app.respond(&request.body(body.into()).unwrap())
}

/// The answer to a question in JSON.
pub fn ask(app: &App, path: &str, question: &Value) -> Response<Bytes> {
    post(app, path, JSON, question.to_string())
}

/// A picture sent to one of the addresses of the Draw part, with both small networks.
pub fn picture(app: &App, path: &str, query: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let path = format!("{path}?first=run:small-mlp&second=run:small-cnn{query}");
    post(app, &path, PICTURE, body)
}

/// The JSON document of an answer that must be one.
pub fn json(response: &Response<Bytes>) -> Value {
    assert_eq!(response.status(), 200, "{:?}", response.body());
    serde_json::from_slice(response.body()).unwrap()
}

/// The sentence of a refusal with this status.
pub fn refused(response: &Response<Bytes>, status: u16) -> String {
    assert_eq!(response.status(), status, "{:?}", response.body());
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    body["error"].as_str().unwrap().to_owned()
}

/// Gray bytes as PGM.
pub fn pgm(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = format!("P5\n{width} {height}\n255\n").into_bytes();
    bytes.extend(pixels);
    bytes
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
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), app).unwrap();
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
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
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

/// Equal up to the last digit, which JSON may round.
pub fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-15 * expected.abs().max(1.0)
}

/// The same for as many numbers.
pub fn all_close(found: &[f64], expected: &[f64]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| close(*a, *b))
}
