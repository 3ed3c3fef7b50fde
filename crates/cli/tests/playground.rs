//! `digits playground` as a program: how it starts, what it says, how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{digits, fails, notices, without_network};

/// A playground on a free port, and where it is.
fn start(arguments: &[&str]) -> (Child, String) {
    start_as(digits(), arguments)
}

fn start_as(mut program: Command, arguments: &[&str]) -> (Child, String) {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let mut child = program
        .args(["playground", "--port", "0"])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    let address = line
        .trim()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    (child, address.to_owned())
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_serves_the_page_with_the_pretrained_networks_and_ends_with_ctrl_c() {
    let (mut child, address) = start(&[]);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let page = get(&address, "/");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Draw a digit"));
    let networks = get(&address, "/api/networks");
    assert!(networks.contains("pretrained/cnn") && networks.contains("pretrained/mlp"));

    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < Duration::from_secs(4));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(
        said.contains("closed") && !said.contains("panicked"),
        "{said}"
    );
}

/// The page must be ready this soon after the program was started.
const READY: Duration = Duration::from_millis(300);

#[test]
fn the_page_and_its_networks_are_there_at_once() {
    let mut all: Vec<Duration> = (0..5)
        .map(|_| {
            let begin = Instant::now();
            let (mut child, address) = start(&[]);
            assert!(get(&address, "/").starts_with("HTTP/1.1 200"));
            assert!(get(&address, "/api/networks").contains("pretrained/cnn"));
            let ready = begin.elapsed();
            child.kill().unwrap();
            child.wait().unwrap();
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
    fails(
        1,
        ["playground", "--port", &port],
        &[&port, "taken", "--port"],
    );
}

#[test]
fn a_run_that_is_none_is_an_error_before_anything_is_served() {
    let none = ["playground", "--port", "0", "--run", "no-such-folder"];
    fails(1, none, &["no-such-folder"]);
    fails(2, ["playground", "--host", "example.org"], &["--host"]);
}

#[test]
fn listening_beyond_this_machine_is_said_aloud() {
    // Also with --quiet: it hides notices, and this is a warning.
    let (mut child, address) = start(&["--host", "0.0.0.0", "--quiet"]);
    assert!(get(&address, "/").starts_with("HTTP/1.1 200"));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(said.contains("open to other machines"), "{said}");
}

#[test]
fn that_the_digits_are_not_mnist_is_said_once() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--data", "auto"];
    let (mut child, address) = start_as(without_network(home.path()), &arguments);
    for index in 0..2 {
        let answer = get(&address, &format!("/api/digit?index={index}"));
        assert!(answer.contains(r#""dataset":"drawn""#), "{answer}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(notices(&said).len(), 1, "{said}");
}
