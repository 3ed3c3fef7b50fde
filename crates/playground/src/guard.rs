//! Who may ask, and what every answer says about what the page may do.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};

use crate::error::ApiError;

/// Code, style and pictures from this server alone, none of it inline; no frames, no forms.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer carries.
pub(crate) const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The names under which this server may be addressed.
///
/// A page of another site can make a browser send requests here, and by DNS rebinding even
/// under that site's own name. Such requests carry that name as `Host`, or that site as
/// `Origin`; neither is accepted.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    host: Option<IpAddr>,
}

impl Guard {
    /// For a server that listens at this address.
    pub(crate) fn new(listening: IpAddr) -> Self {
        Self {
            host: (!listening.is_loopback()).then_some(listening),
        }
    }

    /// # Errors
    /// A `Host` that is not this server, an `Origin` that is not this page, or a body that a
    /// form of any site could send.
    pub(crate) fn check(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(), ApiError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(ApiError::bad("exactly one Host header is needed"));
        };
        let host = host.to_str().unwrap_or_default();
        if !self.is_ours(host) {
            return Err(ApiError::new(
                StatusCode::MISDIRECTED_REQUEST,
                "this server answers to its own address only; open http://127.0.0.1 with its port",
            ));
        }
        let foreign = || {
            ApiError::new(
                StatusCode::FORBIDDEN,
                "requests from pages of other sites are not answered",
            )
        };
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
    fn is_ours(&self, host: &str) -> bool {
        let Some((name, _)) = split_port(host) else {
            return false;
        };
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        match (bare.parse::<IpAddr>(), self.host) {
            (Ok(address), _) if address.is_loopback() => true,
            (Ok(_), Some(listening)) if listening.is_unspecified() => true,
            (Ok(address), Some(listening)) => address == listening,
            _ => false,
        }
    }
}

/// `name:port` or `name`, where the name may be `[::1]`.
fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    let after_name = host.rfind(']').map_or(0, |end| end + 1);
    match host[after_name..].rfind(':') {
        None => Some((host, None)),
        Some(colon) => {
            let (name, port) = host.split_at(after_name + colon);
            Some((name, Some(port[1..].parse().ok()?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listening: &str, method: Method, pairs: &[(&'static str, &str)]) -> Result<(), u16> {
        check_at(listening, method, "/", pairs)
    }

    fn check_at(
        listening: &str,
        method: Method,
        path: &str,
        pairs: &[(&'static str, &str)],
    ) -> Result<(), u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Guard::new(listening.parse().unwrap())
            .check(&method, path, &headers)
            .map_err(|error| error.status.as_u16())
    }

    #[test]
    fn loopback_names_are_answered_and_other_names_are_not() {
        for host in [
            "127.0.0.1:8814",
            "localhost:8814",
            "LOCALHOST",
            "[::1]:9",
            "127.0.0.1",
        ] {
            assert_eq!(
                check("127.0.0.1", Method::GET, &[("host", host)]),
                Ok(()),
                "{host}"
            );
        }
        for host in [
            "evil.example:8814",
            "127.0.0.1.evil.example",
            "192.168.1.7:8814",
            "localhost.evil.example",
            "localhost:x",
            "localhost:99999",
            "[::1",
            "",
        ] {
            assert_eq!(
                check("127.0.0.1", Method::GET, &[("host", host)]),
                Err(421),
                "{host}"
            );
        }
        assert_eq!(check("127.0.0.1", Method::GET, &[]), Err(400));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check("127.0.0.1", Method::GET, &two), Err(400));
    }

    #[test]
    fn a_server_on_the_network_answers_to_its_address_but_to_no_name() {
        let ask = |listening, host| check(listening, Method::GET, &[("host", host)]);
        assert_eq!(ask("192.168.1.7", "192.168.1.7:8814"), Ok(()));
        assert_eq!(ask("192.168.1.7", "192.168.1.8:8814"), Err(421));
        assert_eq!(ask("0.0.0.0", "10.0.0.3:8814"), Ok(()));
        assert_eq!(ask("0.0.0.0", "rebound.example:8814"), Err(421));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let host = ("host", "127.0.0.1:8814");
        let json = ("content-type", "application/json");
        let post = |origin| check("127.0.0.1", Method::POST, &[host, json, ("origin", origin)]);
        assert_eq!(post("http://127.0.0.1:8814"), Ok(()));
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1:3000",
            "http://localhost:8814",
            "https://127.0.0.1:8814",
        ] {
            assert_eq!(post(origin), Err(403), "{origin}");
        }
        let site = |site, mode| {
            let fetch = [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
            check("127.0.0.1", Method::GET, &[host, fetch[0], fetch[1]])
        };
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert_eq!(
            check_at(
                "127.0.0.1",
                Method::GET,
                "/api/digit",
                &[host, link[0], link[1]]
            ),
            Err(403),
            "a link to data is none that a person follows"
        );
        assert_eq!(site("same-origin", "cors"), Ok(()));
        assert_eq!(site("none", "navigate"), Ok(()));
        assert_eq!(site("cross-site", "navigate"), Ok(()));
        assert_eq!(site("cross-site", "no-cors"), Err(403));
        assert_eq!(site("same-site", "cors"), Err(403));
    }

    #[test]
    fn bodies_that_any_form_can_send_are_refused() {
        let host = ("host", "localhost");
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
        ] {
            let pairs = [host, ("content-type", kind)];
            assert_eq!(check("127.0.0.1", Method::POST, &pairs), Err(415), "{kind}");
        }
        assert_eq!(check("127.0.0.1", Method::POST, &[host]), Err(415));
    }
}
