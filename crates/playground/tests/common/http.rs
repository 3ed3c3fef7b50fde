//! HTTP by hand, so that a test can also break its rules.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use digits_playground::MAX_BODY;

use super::{LOOK, PICTURE};

/// Status and body of an answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A connection that sends requests and reads answers.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Sends these bytes, and nothing else.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Reads one answer; `None` for a connection that ended without one.
    pub fn reply(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()?;
        Some(Reply { status, body })
    }

    /// A whole request and its answer.
    pub fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Option<Reply> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes()).ok()?;
        self.send(body).ok()?;
        self.reply()
    }
}

/// Malformed, oversized and foreign requests, and the status that each is refused with.
pub fn refusals() -> Vec<(Vec<u8>, u16)> {
    let post = |host: &str, header: &str, body: &[u8]| {
        let head = format!(
            "POST {LOOK} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {PICTURE}\r\n{header}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let length = |bytes: usize| format!("content-length: {bytes}");
    let malformed = [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
        "\0\x01\x02\x03\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\x03 a TLS greeting\r\n\r\n",
    ];
    let mut all: Vec<_> = malformed.map(|text| (text.as_bytes().to_vec(), 400)).into();
    let head = "GET / HTTP/1.1\r\nhost: localhost\r\n".to_owned() + &"x: y\r\n".repeat(10_000);
    let bomb = b"P5\n900000 900000\n255\n";
    let large = vec![0; MAX_BODY + 1];
    let chunks = [b"10000\r\n", &[7; 0x10000][..], b"\r\n"]
        .concat()
        .repeat(20);
    all.extend([
        (head.into_bytes(), 431),
        (post("localhost", &length(bomb.len()), bomb), 400),
        // Read whole, and not a picture.
        (post("localhost", &length(MAX_BODY), &large[1..]), 400),
        (post("localhost", &length(large.len()), &large), 413),
        (
            post("localhost", "transfer-encoding: chunked", &chunks),
            413,
        ),
        // Told before the body is sent.
        (post("evil.example", &length(1_000_000), b""), 421),
    ]);
    all
}
