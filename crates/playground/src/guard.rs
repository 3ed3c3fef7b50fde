//! Who may ask, and what every answer says about what the page may do.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap};
use hyper::{Method, StatusCode};

use crate::error::ApiError;

/// Code, style and pictures from this server alone, none of it inline; no frames, no forms.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer carries.
pub(crate) const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Whether a request to the server that listens at this address is answered.
///
/// A page of another site can make a browser send requests here, and by DNS rebinding even
/// under that site's own name. Such requests carry that name as `Host`, or that site as
/// `Origin`; neither is accepted.
///
/// # Errors
/// A `Host` that is not this server, an `Origin` that is not this page, or a body that a
/// form of any site could send.
pub(crate) fn check(
    listening: IpAddr,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(ApiError::bad("exactly one Host header is needed"));
    };
    let host = host.to_str().unwrap_or_default();
    if !is_ours(listening, host) {
        return Err(ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server answers to its own address only; open http://127.0.0.1 with its port",
        ));
    }
    let sentence = "requests from pages of other sites are not answered";
    let foreign = || ApiError::new(StatusCode::FORBIDDEN, sentence);
    for origin in headers.get_all(header::ORIGIN) {
        if origin.to_str().ok().and_then(|o| o.strip_prefix("http://")) != Some(host) {
            return Err(foreign());
        }
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none` is a person who typed the address; following a link to the page is a plain
        // GET. Nobody follows a link to what the page asks for.
        let link = *method == Method::GET
            && !path.starts_with("/api/")
            && headers
                .get("sec-fetch-mode")
                .is_some_and(|m| m == "navigate");
        if site != "same-origin" && site != "none" && !link {
            return Err(foreign());
        }
    }
    if *method == Method::POST {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if kind != "application/json" && kind != "application/octet-stream" {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/json, or a picture as application/octet-stream",
            ));
        }
    }
    Ok(())
}

/// Loopback names at any port (it may be forwarded); the address that was chosen on the
/// command line; any address, but no name, for a server that listens at all of them.
fn is_ours(listening: IpAddr, host: &str) -> bool {
    let Some(name) = without_port(host) else {
        return false;
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    bare.parse::<IpAddr>().is_ok_and(|address| {
        let is_anywhere = listening.is_unspecified();
        address.is_loopback() || is_anywhere || address == listening
    })
}

/// The name in `name:port` or `name`, where the name may be `[::1]`.
fn without_port(host: &str) -> Option<&str> {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok().then_some(name),
        _ => Some(host),
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    type Headers<'a> = &'a [(&'static str, &'a str)];

    fn check(listening: &str, method: Method, path: &str, pairs: Headers) -> Result<(), u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        super::check(listening.parse().unwrap(), &method, path, &headers)
            .map_err(|error| error.status.as_u16())
    }

    #[test]
    fn hosts_are_answered_by_loopback_names_or_the_address_that_is_listened_at() {
        let ours = "127.0.0.1:8814 localhost:8814 LOCALHOST [::1]:9 127.0.0.1";
        let others = "evil.example:8814 127.0.0.1.evil.example 192.168.1.7:8814 \
             localhost.evil.example localhost:x localhost:99999 [::1";
        for (listening, hosts, expected) in [
            ("127.0.0.1", ours, Ok(())),
            ("127.0.0.1", others, Err(421)),
            ("192.168.1.7", "192.168.1.7:8814", Ok(())),
            ("192.168.1.7", "192.168.1.8:8814", Err(421)),
            ("0.0.0.0", "10.0.0.3:8814", Ok(())),
            ("0.0.0.0", "rebound.example:8814", Err(421)),
        ] {
            for host in hosts.split(' ') {
                let found = check(listening, Method::GET, "/", &[("host", host)]);
                assert_eq!(found, expected, "{host} at {listening}");
            }
        }
        let nameless = check("127.0.0.1", Method::GET, "/", &[("host", "")]);
        assert_eq!(nameless, Err(421));
        let host = ("host", "localhost");
        for hosts in [&[][..], &[host, host]] {
            assert_eq!(check("127.0.0.1", Method::GET, "/", hosts), Err(400));
        }
    }

    #[test]
    fn pages_and_forms_of_other_sites_are_refused() {
        let host = ("host", "127.0.0.1:8814");
        let json = ("content-type", "application/json");
        for (origin, expected) in [
            ("http://127.0.0.1:8814", Ok(())),
            ("https://evil.example", Err(403)),
            ("null", Err(403)),
            ("http://127.0.0.1:3000", Err(403)),
            ("http://localhost:8814", Err(403)),
            ("https://127.0.0.1:8814", Err(403)),
        ] {
            let headers = [host, json, ("origin", origin)];
            let found = check("127.0.0.1", Method::POST, "/", &headers);
            assert_eq!(found, expected, "{origin}");
        }
        for (path, site, mode, expected) in [
            ("/", "same-origin", "cors", Ok(())),
            ("/", "none", "navigate", Ok(())),
            ("/", "cross-site", "navigate", Ok(())),
            ("/", "cross-site", "no-cors", Err(403)),
            ("/", "same-site", "cors", Err(403)),
            // A link to data is not one that a person follows.
            ("/api/digit", "cross-site", "navigate", Err(403)),
        ] {
            let headers = [host, ("sec-fetch-site", site), ("sec-fetch-mode", mode)];
            let found = check("127.0.0.1", Method::GET, path, &headers);
            assert_eq!(found, expected, "{path} {site} {mode}");
        }
        // Bodies that a form of any site can send.
        let forms = "text/plain application/x-www-form-urlencoded multipart/form-data";
        for kind in forms.split(' ').chain([""]) {
            let headers = [host, ("content-type", kind)];
            let found = check("127.0.0.1", Method::POST, "/", &headers);
            assert_eq!(found, Err(415), "{kind}");
        }
        assert_eq!(check("127.0.0.1", Method::POST, "/", &[host]), Err(415));
    }
}
