//! The router: requests in, responses out, no socket.

use std::path::PathBuf;

use burn::tensor::Device;
use bytes::Bytes;
use digits_data::{OpenOptions, Source};
use digits_verify::Precision;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};
use serde::Serialize;

use crate::assets;
use crate::error::{PlaygroundError, Refusal};
use crate::guard::{Guard, HEADERS};
use crate::networks::Networks;
use crate::query::Query;
use crate::samples::Samples;
use crate::{backprop, draw, filters, inside, limits, presets, runs};

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
    pub(crate) runs: runs::Cache,
    guard: Guard,
}

/// How long a request keeps a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Not at all: a file of the page.
    Light,
    /// Some milliseconds.
    Normal,
    /// Seconds: many images through a network, or a data set that is opened or even fetched.
    /// These take turns of their own, so that nobody who draws waits for them.
    Slow,
}

/// What a handler gives back.
pub(crate) enum Answer {
    /// One JSON document.
    Json(Vec<u8>),
    /// `u32` rows, `u32` columns, then `f32` values row by row, all little-endian.
    Grid(Vec<u8>),
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Refusal> {
        serde_json::to_vec(value)
            .map(Self::Json)
            .map_err(Refusal::failed)
    }
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
            runs: runs::Cache::default(),
            guard: Guard::new(options.host),
            device: options.device,
            precision: options.precision,
        })
    }

    /// Loads the two networks that are shown first, so that the first stroke need not wait.
    pub fn warm_up(&self) {
        self.networks.warm_up();
    }

    /// Whether a request may be answered at all, from its head alone.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, parts: &Parts) -> Result<(), Refusal> {
        if parts.method != Method::GET && parts.method != Method::POST {
            return Err(Refusal::method("GET, POST"));
        }
        self.guard
            .check(&parts.method, parts.uri.path(), &parts.headers)
    }

    /// How long a request will keep a thread.
    pub(crate) fn weight(&self, request: &Request<Bytes>) -> Weight {
        match request.uri().path() {
            path if !path.starts_with("/api/") => Weight::Light,
            "/api/evaluation" => Weight::Slow,
            "/api/digit" => {
                let query = request.uri().query().unwrap_or_default();
                let drawn = query.split('&').any(|pair| pair == "from=drawn");
                let search = query.split('&').any(|pair| pair.starts_with("wrong="));
                if search || !drawn && !self.samples.is_open() {
                    Weight::Slow
                } else {
                    Weight::Normal
                }
            }
            _ => Weight::Normal,
        }
    }

    /// Answers one request whose body has arrived.
    pub fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let parts = request.clone().into_parts().0;
        if let Err(refusal) = self.admit(&parts) {
            return refuse(&refusal);
        }
        let path = request.uri().path();
        if let (&Method::GET, Some(asset)) = (request.method(), assets::find(path)) {
            return with_headers(asset.kind, Bytes::from_static(asset.bytes));
        }
        match self.route(request, path) {
            Ok(Answer::Json(bytes)) => with_headers("application/json", bytes.into()),
            Ok(Answer::Grid(bytes)) => with_headers("application/octet-stream", bytes.into()),
            Err(refusal) => refuse(&refusal),
        }
    }

    fn route(&self, request: &Request<Bytes>, path: &str) -> Result<Answer, Refusal> {
        let query = Query::parse(request.uri().query().unwrap_or(""))?;
        let body = request.body();
        match (request.method().as_str(), path) {
            ("GET", "/api/networks") => Answer::json(&self.networks.list()),
            ("GET", "/api/digit") => draw::digit(self, &query),
            ("POST", "/api/look") => draw::look(self, &query, body),
            ("POST", "/api/inside") => inside::inside(self, &query, body),
            ("POST", "/api/limits") => limits::limits(self, &query, body),
            ("GET", "/api/filters") => presets::presets(),
            ("POST", "/api/window") => filters::window(body),
            ("POST", "/api/filter") => filters::picture(&query, body),
            ("GET", "/api/backprop") => backprop::defaults(),
            ("POST", "/api/backprop") => backprop::work(self, body),
            ("GET", "/api/runs") => runs::list(self),
            ("GET", "/api/evaluation") => runs::evaluation(self, &query),
            (
                "GET",
                "/api/look" | "/api/inside" | "/api/limits" | "/api/window" | "/api/filter",
            ) => Err(Refusal::method("POST")),
            (
                "POST",
                "/api/networks" | "/api/digit" | "/api/filters" | "/api/runs" | "/api/evaluation",
            ) => Err(Refusal::method("GET")),
            ("POST", path) if assets::find(path).is_some() => Err(Refusal::method("GET")),
            _ => Err(Refusal::missing("there is nothing at this address")),
        }
    }
}

/// The response that says why not, in one sentence as JSON: `{"error": …}`.
pub(crate) fn refuse(refusal: &Refusal) -> Response<Bytes> {
    let body = serde_json::json!({ "error": refusal.message }).to_string();
    let mut response = with_headers("application/json", body.into());
    *response.status_mut() = refusal.status;
    if let Some(allow) = refusal.allow {
        let allow = HeaderValue::from_static(allow);
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn with_headers(kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
