//! 64 clients for 30 seconds, with others among them that break every rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::http::Client;
use common::{app, one, serve};
use digits_playground::MAX_BODY;

const CLIENTS: usize = 64;
const TIME: Duration = Duration::from_secs(30);
/// What the process may grow by while it serves: allocators keep some pages for later.
const GROWTH: usize = 24 << 20;
const PICTURE: &str = "application/octet-stream";
const LOOK: &str = "/api/look?first=pretrained/mlp&second=pretrained/cnn";

/// Bytes of this process in memory; 0 where the system does not tell.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

#[test]
#[ignore = "takes 40 seconds: just test-load"]
fn sixty_four_clients_are_served_while_rule_breakers_are_refused() {
    let server = serve(app());
    let address = server.address;
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let start = Instant::now();
    let (mut times, refused, slow, growth) = thread::scope(|scope| {
        let good: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| good(address, &done, &answered)))
            .collect();
        let bad = scope.spawn(|| bad(address, &done));
        let slow: Vec<_> = [true, false]
            .map(|in_head| scope.spawn(move || slow(address, in_head)))
            .into();
        thread::sleep(TIME / 3);
        let before = resident();
        thread::sleep(TIME.saturating_sub(start.elapsed()));
        let growth = resident().saturating_sub(before);
        done.store(true, Ordering::SeqCst);
        let times: Vec<Duration> = good
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect();
        let slow: Vec<Duration> = slow.into_iter().map(|one| one.join().unwrap()).collect();
        (times, bad.join().unwrap(), slow, growth)
    });
    times.sort();
    println!(
        "{} answers in {:.0} s ({:.0} a second), median {:.1} ms, 99 % within {:.1} ms; {refused} refusals; \
         slow clients ended after {slow:.1?}; grown by {:.1} MB",
        times.len(),
        TIME.as_secs_f64(),
        times.len() as f64 / TIME.as_secs_f64(),
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
        growth as f64 / 1e6,
    );
    assert!(times.len() > 10 * CLIENTS);
    assert!(refused > 20);
    assert!(growth < GROWTH, "{growth} bytes");
    for time in slow {
        assert!(
            time > Duration::from_secs(5) && time < Duration::from_secs(20),
            "{time:?}"
        );
    }
}

/// Draws without a pause; every answer must be one.
fn good(address: SocketAddr, done: &AtomicBool, answered: &AtomicUsize) -> Vec<Duration> {
    let mut client = Client::new(address);
    let picture = one();
    let mut times = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let start = Instant::now();
        let reply = client.ask("POST", LOOK, PICTURE, &picture).unwrap();
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        assert!(
            reply.body.ends_with(b"]}]}"),
            "an answer with probabilities"
        );
        answered.fetch_add(1, Ordering::SeqCst);
        times.push(start.elapsed());
    }
    times
}

/// Malformed, oversized and foreign requests, each of which must be refused.
fn bad(address: SocketAddr, done: &AtomicBool) -> usize {
    let mut refused = 0;
    let head = |host: &str, length: usize| {
        format!("POST {LOOK} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {PICTURE}\r\ncontent-length: {length}\r\n\r\n")
            .into_bytes()
    };
    while !done.load(Ordering::SeqCst) {
        let oversized = [head("localhost", MAX_BODY + 1), vec![0; MAX_BODY + 1]].concat();
        let bomb = [head("localhost", 21), b"P5\n900000 900000\n255\n".to_vec()].concat();
        for bytes in [
            b"nonsense\r\n\r\n".to_vec(),
            oversized,
            bomb,
            head("evil.example", 5),
        ] {
            let mut client = Client::new(address);
            let _ = client.send(&bytes);
            if let Some(reply) = client.reply() {
                assert!((400..500).contains(&reply.status), "{reply:?}");
            }
            refused += 1;
        }
        thread::sleep(Duration::from_millis(50));
    }
    refused
}

/// Sends a byte a second until the server has had enough; says how long that took.
fn slow(address: SocketAddr, in_head: bool) -> Duration {
    let mut client = Client::new(address);
    let start = Instant::now();
    let mut bytes = format!("POST {LOOK} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
    if !in_head {
        bytes.extend(
            format!("content-type: {PICTURE}\r\ncontent-length: 1000\r\n\r\n").into_bytes(),
        );
    }
    client.send(&bytes).unwrap();
    for _ in 0..60 {
        thread::sleep(Duration::from_secs(1));
        if client.send(b"x").is_err() {
            break;
        }
    }
    start.elapsed()
}
