//! What the socket refuses, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use common::http::Client;
use common::{LOOK, PICTURE, app, one, serve};
use digits_playground::{MAX_BODY, PlaygroundError, Server};

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
fn malformed_requests_are_refused_and_the_next_client_is_answered() {
    let server = serve(app());
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
        b"\0\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting\r\n\r\n",
    ] {
        let mut client = Client::new(server.address);
        client.send(bytes).unwrap();
        let status = client.reply().map(|reply| reply.status);
        assert_eq!(status, Some(400), "{}", String::from_utf8_lossy(bytes));
        let mut good = Client::new(server.address);
        assert_eq!(good.ask("GET", "/", "", b"").unwrap().status, 200);
    }
}

#[test]
fn heads_that_never_end_are_refused() {
    let server = serve(app());
    let mut client = Client::new(server.address);
    let flood = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\n{}",
        "x: y\r\n".repeat(10_000)
    );
    let _ = client.send(flood.as_bytes());
    assert_eq!(client.reply().map(|reply| reply.status), Some(431));
}

#[test]
fn bodies_over_the_limit_are_refused_announced_or_not() {
    let server = serve(app());
    let mut announced = Client::new(server.address);
    let head = format!(
        "POST {LOOK} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PICTURE}\r\ncontent-length: {}\r\n\r\n",
        MAX_BODY + 1
    );
    announced.send(head.as_bytes()).unwrap();
    let _ = announced.send(&vec![0; MAX_BODY + 1]);
    assert_eq!(announced.reply().map(|reply| reply.status), Some(413));

    let mut chunked = Client::new(server.address);
    let head = format!(
        "POST {LOOK} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {PICTURE}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    chunked.send(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n", &vec![7; 0x10000][..], b"\r\n"].concat();
    for _ in 0..20 {
        if chunked.send(&chunk).is_err() {
            break;
        }
    }
    assert_eq!(chunked.reply().map(|reply| reply.status), Some(413));
    let mut just = Client::new(server.address);
    let reply = just.ask("POST", LOOK, PICTURE, &vec![0; MAX_BODY]).unwrap();
    assert_eq!(reply.status, 400, "read whole, and no picture");
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
fn who_is_not_let_in_is_told_before_the_body_is_sent() {
    let server = serve(app());
    let mut client = Client::new(server.address);
    let head = format!(
        "POST {LOOK} HTTP/1.1\r\nhost: evil.example\r\ncontent-type: {PICTURE}\r\ncontent-length: 1000000\r\n\r\n"
    );
    client.send(head.as_bytes()).unwrap();
    assert_eq!(client.reply().unwrap().status, 421);
}

#[test]
fn a_taken_port_is_one_sentence_that_names_another() {
    let taken = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::bind(address, app()).err().unwrap();
    assert!(matches!(error, PlaygroundError::PortTaken(_)));
    let message = error.to_string();
    assert!(
        message.contains(&address.port().to_string()) && message.contains("--port"),
        "{message}"
    );
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
