//! The router: requests in, responses out, no socket.

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};

use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::guard::{self, HEADERS};
use crate::query::Query;
use crate::{assets, backprop, draw, filters, inside, limits, presets, runs};

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

impl App {
    /// Whether a request may be answered at all, from its head alone.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, parts: &Parts) -> Result<(), ApiError> {
        if parts.method != Method::GET && parts.method != Method::POST {
            return Err(ApiError::method("GET, POST"));
        }
        guard::check(self.host, &parts.method, parts.uri.path(), &parts.headers)
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
        if let Err(error) = self.admit(&parts) {
            return refuse(&error);
        }
        let path = request.uri().path();
        if let (&Method::GET, Some(asset)) = (request.method(), assets::find(path)) {
            return with_headers(asset.kind, Bytes::from_static(asset.bytes));
        }
        match self.route(request, path) {
            Ok(Answer::Json(bytes)) => with_headers("application/json", bytes.into()),
            Ok(Answer::Grid(bytes)) => with_headers("application/octet-stream", bytes.into()),
            Err(error) => refuse(&error),
        }
    }

    fn route(&self, request: &Request<Bytes>, path: &str) -> Result<Answer, ApiError> {
        let query = Query::parse(request.uri().query().unwrap_or(""));
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
            ) => Err(ApiError::method("POST")),
            (
                "POST",
                "/api/networks" | "/api/digit" | "/api/filters" | "/api/runs" | "/api/evaluation",
            ) => Err(ApiError::method("GET")),
            ("POST", path) if assets::find(path).is_some() => Err(ApiError::method("GET")),
            _ => Err(ApiError::missing("there is nothing at this address")),
        }
    }
}

/// The response that says why not, in one sentence as JSON: `{"error": …}`.
pub(crate) fn refuse(error: &ApiError) -> Response<Bytes> {
    let body = serde_json::json!({ "error": error.message }).to_string();
    let mut response = with_headers("application/json", body.into());
    *response.status_mut() = error.status;
    if let Some(allow) = error.allow {
        let allow = HeaderValue::from_static(allow);
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn with_headers(kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
