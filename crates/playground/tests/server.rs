//! What the socket refuses, how it ends, and what it stands: 64 clients for 30 seconds, with others
//! among them that break every rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::http::Client;
use common::{JSON, LOOK, PICTURE, app, app_on, one, serve, small_run, write_data};
use digits_playground::{MAX_BODY, PlaygroundError, Server};

/// The status of the answer to these bytes.
fn status(address: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let mut client = Client::new(address);
    // The server may close before it has all of them.
    let _ = client.send(bytes);
    client.reply().map(|reply| reply.status)
}

/// Malformed, oversized and foreign requests, and the status that each is refused with.
fn refusals() -> Vec<(Vec<u8>, u16)> {
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
    let endless = "GET / HTTP/1.1\r\nhost: localhost\r\n".to_owned() + &"x: y\r\n".repeat(10_000);
    let mut all: Vec<_> = malformed.map(|text| (text.as_bytes().to_vec(), 400)).into();
    all.push((endless.into_bytes(), 431));
    let zeros = [0; MAX_BODY + 1];
    let chunks = [b"10000\r\n", &[7; 0x10000][..], b"\r\n"]
        .concat()
        .repeat(20);
    for (host, length, body, expected) in [
        // A small body that claims to be a large picture; one that is read whole, and is none.
        ("localhost", 21, &b"P5\n900000 900000\n255\n"[..], 400),
        ("localhost", MAX_BODY, &zeros[1..], 400),
        ("localhost", zeros.len(), &zeros, 413),
        ("localhost", 0, &chunks, 413),
        // Told before the body is sent.
        ("evil.example", 1_000_000, b"", 421),
    ] {
        let size = match length {
            0 => "transfer-encoding: chunked".to_owned(),
            _ => format!("content-length: {length}"),
        };
        let head = format!(
            "POST {LOOK} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {PICTURE}\r\n{size}\r\n\r\n"
        );
        all.push(([head.as_bytes(), body].concat(), expected));
    }
    all
}

#[test]
fn one_connection_carries_many_requests_and_others_that_break_a_rule_are_refused() {
    let server = serve(app());
    let mut client = Client::new(server.address);
    for (bytes, expected) in refusals() {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
        assert_eq!(status(server.address, &bytes), Some(expected), "{start}");
        assert_eq!(client.ask("GET", "/", "", b"").unwrap().status, 200);
        let look = client.ask("POST", LOOK, PICTURE, &one()).unwrap();
        assert_eq!(look.status, 200);
    }
}

#[test]
fn slow_answers_take_turns_of_their_own_and_drawing_goes_on() {
    // Enough test images that one evaluation takes a good part of a second.
    let folder = tempfile::tempdir().unwrap();
    let (data, artifacts) = (folder.path().join("data"), folder.path().join("runs"));
    write_data(&data, 300, 12_000);
    small_run("cnn", 1, &data, &artifacts.join("run"), &mut |_| {});
    let server = serve(app_on(&artifacts));
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
    let (slowest, evaluated) = thread::scope(|scope| {
        // As many as would take every turn, and more.
        let all: Vec<_> = (0..6).map(|_| scope.spawn(evaluation)).collect();
        thread::sleep(Duration::from_millis(30));
        let mut slowest = Duration::ZERO;
        while !all.iter().all(|one| one.is_finished()) {
            slowest = slowest.max(draw());
        }
        let replies: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        let is_whole =
            |reply: &common::http::Reply| reply.status == 200 && reply.body == replies[0].body;
        assert!(replies.iter().all(is_whole));
        (slowest, start.elapsed())
    });
    println!("six evaluations in {evaluated:.0?}, the slowest stroke meanwhile {slowest:.0?}");
    assert!(
        slowest < evaluated / 2,
        "a stroke waited {slowest:?} of {evaluated:?}"
    );
}

#[test]
fn a_taken_port_is_one_sentence_and_a_server_stops_at_once_though_connections_are_open() {
    let server = serve(app());
    let address = server.address;
    let error = Server::bind(address, app()).err().unwrap();
    assert!(matches!(error, PlaygroundError::PortTaken(_)));
    for part in [&address.port().to_string(), "--port"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let mut idle = Client::new(address);
    assert_eq!(idle.ask("GET", "/", "", b"").unwrap().status, 200);
    let mut half = Client::new(address);
    half.send(b"GET / HTTP/1.1\r\nho").unwrap();
    let start = Instant::now();
    drop(server);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert!(idle.ask("GET", "/", "", b"").is_none());
    assert!(TcpListener::bind(address).is_ok() || TcpStream::connect(address).is_err());
}

const CLIENTS: usize = 64;
const TIME: Duration = Duration::from_secs(30);
/// What the process may still grow by in its last third: allocators keep some pages for later.
const GROWTH: usize = 8 << 20;
const WINDOW: &str =
    r#"{"image":[[1,2,3],[4,5,6],[7,8,9]],"kernel":[[1,0],[0,1]],"stride":1,"padding":"same"}"#;
const STEPS: &str = r#"{"values":{},"steps":100}"#;

#[test]
#[ignore = "takes 40 seconds: just test-load"]
fn sixty_four_clients_are_served_while_rule_breakers_are_refused() {
    let server = serve(app());
    let address = server.address;
    let (done, start) = (&AtomicBool::new(false), Instant::now());
    let (mut times, refused, slow, memory) = thread::scope(|scope| {
        let good: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || good(number, address, done)))
            .collect();
        let bad = scope.spawn(|| bad(address, done));
        let slow = [true, false].map(|in_head| scope.spawn(move || slow(address, in_head)));
        let memory = [1, 2, 3].map(|third| {
            thread::sleep((TIME * third / 3).saturating_sub(start.elapsed()));
            resident()
        });
        done.store(true, Ordering::SeqCst);
        let times: Vec<_> = good
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect();
        (
            times,
            bad.join().unwrap(),
            slow.map(|one| one.join().unwrap()),
            memory,
        )
    });
    times.sort();
    println!(
        "{} answers in {:.0} s ({:.0} a second), median {:.1} ms, 99 % within {:.1} ms; {refused} refusals; \
         slow clients ended after {slow:.1?}; memory after each third {:.1?} MB",
        times.len(),
        TIME.as_secs_f64(),
        times.len() as f64 / TIME.as_secs_f64(),
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
        memory.map(|bytes| bytes as f64 / 1e6),
    );
    assert!(times.len() > 10 * CLIENTS && refused > 20);
    let growth = memory[2].saturating_sub(memory[1]);
    assert!(
        growth < GROWTH,
        "still growing by {growth} bytes: {memory:?}"
    );
    let [least, most] = [5, 20].map(Duration::from_secs);
    assert!(
        slow.iter().all(|time| (least..most).contains(time)),
        "{slow:?}"
    );
}

/// Bytes of this process in memory; 0 where the system does not tell.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    4096 * pages.unwrap_or(0)
}

/// Draws and plays without a pause, as the page does: strokes above all; every answer must be one.
fn good(number: usize, address: SocketAddr, done: &AtomicBool) -> Vec<Duration> {
    let [inside, limits] = ["inside", "limits"].map(|path| LOOK.replace("look", path));
    let picture = one();
    let mut all = vec![(LOOK, PICTURE, &picture[..]); 15];
    all.insert(4, (&inside, PICTURE, &picture));
    all.insert(9, (&inside, PICTURE, &picture));
    all.extend([
        (&*limits, PICTURE, &picture[..]),
        ("/api/window", JSON, WINDOW.as_bytes()),
        ("/api/backprop", JSON, STEPS.as_bytes()),
        ("/api/filter?kernel=1+0+-1;2+0+-2;1+0+-1", PICTURE, &picture),
    ]);
    let mut client = Client::new(address);
    let mut times = Vec::new();
    // Every client begins at another place, so that all kinds meet.
    for (path, kind, body) in all.iter().cycle().skip(number) {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let start = Instant::now();
        let reply = client.ask("POST", path, kind, body).unwrap();
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        let has_probabilities = reply.body.ends_with(b"]}]}");
        assert!(*path != LOOK || has_probabilities);
        times.push(start.elapsed());
    }
    times
}

/// Sends requests that break a rule, each of which must be refused.
fn bad(address: SocketAddr, done: &AtomicBool) -> usize {
    let refusals = refusals();
    let mut refused = 0;
    for (bytes, expected) in refusals.iter().cycle() {
        if done.load(Ordering::SeqCst) {
            break;
        }
        assert_eq!(status(address, bytes), Some(*expected));
        refused += 1;
        thread::sleep(Duration::from_millis(10));
    }
    refused
}

/// Sends a byte a second until the server has had enough; says how long that took.
fn slow(address: SocketAddr, in_head: bool) -> Duration {
    let mut client = Client::new(address);
    let start = Instant::now();
    let mut head = format!("POST {LOOK} HTTP/1.1\r\nhost: localhost\r\n");
    if !in_head {
        head += &format!("content-type: {PICTURE}\r\ncontent-length: 1000\r\n\r\n");
    }
    client.send(head.as_bytes()).unwrap();
    for _ in 0..60 {
        thread::sleep(Duration::from_secs(1));
        if client.send(b"x").is_err() {
            break;
        }
    }
    assert!(in_head || client.reply().map(|reply| reply.status) == Some(408));
    start.elapsed()
}
