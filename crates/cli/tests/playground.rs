//! `digits playground` as a program: how it starts, what it says, how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{digits, fails, interrupt, notices, without_network};

/// On any port that is free.
const START: &str = "playground --port 0";

/// A playground, and where it is.
struct Playground {
    child: Child,
    address: String,
}

impl Playground {
    fn start(mut program: Command) -> Self {
        program.current_dir(env!("CARGO_TARGET_TMPDIR"));
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://");
        let address = address.trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// The whole answer, with its status line.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it; returns what it said on standard error.
    fn end(mut self) -> String {
        let _ = self.child.kill(); // it may have ended
        self.child.wait().unwrap();
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
    }
}

#[test]
fn it_is_open_to_this_machine_alone_and_ends_with_ctrl_c() {
    let mut playground = Playground::start(digits(START));
    let address = &playground.address;
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    interrupt(&playground.child);
    let asked = Instant::now();
    let status = playground.child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(4));
    let said = playground.end();
    let well = said.contains("closed") && !said.contains("panicked");
    assert!(well, "{said}");
}

/// The page must be ready this soon after the program was started.
const READY: Duration = Duration::from_millis(300);

#[test]
fn the_page_and_its_networks_are_there_at_once() {
    let mut all: Vec<Duration> = (0..5)
        .map(|_| {
            let begin = Instant::now();
            let playground = Playground::start(digits(START));
            let page = playground.get("/");
            let networks = playground.get("/api/networks");
            let ready = begin.elapsed();
            playground.end();
            assert!(page.starts_with("HTTP/1.1 200") && page.contains("Draw a digit"));
            assert!(networks.contains("pretrained/cnn") && networks.contains("pretrained/mlp"));
            ready
        })
        .collect();
    all.sort();
    println!("from start to page and networks, best of five first: {all:.0?}");
    assert!(all[0] <= READY, "{all:?}");
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = format!("playground --port {port}");
    fails(1, &line, &[&port, "taken", "--port"]);
}

#[test]
fn listening_beyond_this_machine_is_said_aloud() {
    // Also with --quiet: it hides notices, and this is a warning.
    let playground = Playground::start(digits(&format!("{START} --host 0.0.0.0 --quiet")));
    assert!(playground.get("/").starts_with("HTTP/1.1 200"));
    let said = playground.end();
    assert!(said.contains("open to other machines"), "{said}");
}

#[test]
fn that_the_digits_are_not_mnist_is_said_once() {
    let home = tempfile::tempdir().unwrap();
    let playground = Playground::start(without_network(
        home.path(),
        &format!("{START} --data auto"),
    ));
    for index in 0..2 {
        let answer = playground.get(&format!("/api/digit?index={index}"));
        assert!(answer.contains(r#""dataset":"drawn""#), "{answer}");
    }
    let said = playground.end();
    assert_eq!(notices(&said).len(), 1, "{said}");
}
