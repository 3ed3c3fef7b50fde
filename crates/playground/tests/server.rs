//! What the socket refuses, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use common::http::{Client, refusals};
use common::{LOOK, PICTURE, app, one, serve};
use digits_playground::{PlaygroundError, Server};

#[test]
fn one_connection_carries_many_requests() {
    let server = serve(app());
    let mut client = Client::new(server.address);
    for _ in 0..20 {
        assert_eq!(client.ask("GET", "/", "", b"").unwrap().status, 200);
        assert_eq!(
            client.ask("POST", LOOK, PICTURE, &one()).unwrap().status,
            200
        );
    }
}

#[test]
fn requests_that_break_a_rule_are_refused_and_the_next_client_is_answered() {
    let server = serve(app());
    for (bytes, status) in refusals() {
        let mut client = Client::new(server.address);
        // The server may close before it has all of them.
        let _ = client.send(&bytes);
        let found = client.reply().map(|reply| reply.status);
        let start = &bytes[..bytes.len().min(200)];
        assert_eq!(found, Some(status), "{}", String::from_utf8_lossy(start));
        let mut good = Client::new(server.address);
        assert_eq!(good.ask("GET", "/", "", b"").unwrap().status, 200);
    }
}

#[test]
fn slow_answers_take_turns_of_their_own_and_drawing_goes_on() {
    // Enough test images that one evaluation takes a good part of a second.
    let folder = tempfile::tempdir().unwrap();
    let (data, artifacts) = (folder.path().join("data"), folder.path().join("runs"));
    common::write_data(&data, 300, 12_000);
    common::small_run("cnn", 1, &data, &artifacts.join("run"));
    let server = serve(common::app_on(&artifacts));
    let address = server.address;
    let evaluation = || {
        let path = "/api/evaluation?run=run:run";
        Client::new(address).ask("GET", path, "", b"").unwrap()
    };
    let mut drawing = Client::new(address);
    let mut draw = || {
        let start = Instant::now();
        let reply = drawing.ask("POST", LOOK, PICTURE, &one()).unwrap();
        assert_eq!(reply.status, 200);
        start.elapsed()
    };
    draw();
    let start = Instant::now();
    let (slowest, evaluated) = std::thread::scope(|scope| {
        // As many as would take every turn, and more.
        let all: Vec<_> = (0..6).map(|_| scope.spawn(evaluation)).collect();
        std::thread::sleep(Duration::from_millis(30));
        let mut slowest = Duration::ZERO;
        while !all.iter().all(|one| one.is_finished()) {
            slowest = slowest.max(draw());
        }
        let replies: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(replies.iter().all(|reply| reply.status == 200));
        assert!(replies.iter().all(|reply| reply.body == replies[0].body));
        (slowest, start.elapsed())
    });
    println!("six evaluations in {evaluated:.0?}, the slowest stroke meanwhile {slowest:.0?}");
    assert!(
        slowest < evaluated / 2,
        "a stroke waited {slowest:?} of {evaluated:?}"
    );
}

#[test]
fn a_taken_port_is_one_sentence_that_names_another() {
    let taken = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::bind(address, app()).err().unwrap();
    assert!(matches!(error, PlaygroundError::PortTaken(_)));
    for part in [&address.port().to_string(), "--port"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn it_stops_at_once_though_connections_are_open() {
    let server = serve(app());
    let mut idle = Client::new(server.address);
    assert_eq!(idle.ask("GET", "/", "", b"").unwrap().status, 200);
    let mut half = Client::new(server.address);
    half.send(b"GET / HTTP/1.1\r\nho").unwrap();
    let address = server.address;
    let start = Instant::now();
    drop(server);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert!(idle.ask("GET", "/", "", b"").is_none());
    assert!(TcpListener::bind(address).is_ok() || std::net::TcpStream::connect(address).is_err());
}
