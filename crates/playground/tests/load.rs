//! 64 clients for 30 seconds, with others among them that break every rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::http::{Client, refusals};
use common::{JSON, LOOK, PICTURE, app, one, serve};

const CLIENTS: usize = 64;
const TIME: Duration = Duration::from_secs(30);
/// What the process may still grow by in its last third: allocators keep some pages for later.
const GROWTH: usize = 8 << 20;
const WINDOW: &str =
    r#"{"image":[[1,2,3],[4,5,6],[7,8,9]],"kernel":[[1,0],[0,1]],"stride":1,"padding":"same"}"#;
const STEPS: &str = r#"{"values":{},"steps":100}"#;

/// What the page sends while somebody draws and plays: strokes above all.
fn requests() -> Vec<(String, &'static str, Vec<u8>)> {
    let picture = |path: &str| (LOOK.replace("look", path), PICTURE, one());
    let mut all = vec![picture("look"); 15];
    all.insert(4, picture("inside"));
    all.insert(9, picture("inside"));
    let filter = "/api/filter?kernel=1+0+-1;2+0+-2;1+0+-1".to_owned();
    all.extend([
        picture("limits"),
        ("/api/window".to_owned(), JSON, WINDOW.into()),
        ("/api/backprop".to_owned(), JSON, STEPS.into()),
        (filter, PICTURE, one()),
    ]);
    all
}

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
    let done = AtomicBool::new(false);
    let start = Instant::now();
    let (mut times, refused, slow, memory) = thread::scope(|scope| {
        let done = &done;
        let good: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || good(number, address, done)))
            .collect();
        let bad = scope.spawn(|| bad(address, done));
        let slow: Vec<_> = [true, false]
            .map(|in_head| scope.spawn(move || slow(address, in_head)))
            .into();
        let memory = [1, 2, 3].map(|third| {
            thread::sleep((TIME * third / 3).saturating_sub(start.elapsed()));
            resident()
        });
        done.store(true, Ordering::SeqCst);
        let times: Vec<Duration> = good
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect();
        let slow: Vec<Duration> = slow.into_iter().map(|one| one.join().unwrap()).collect();
        (times, bad.join().unwrap(), slow, memory)
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
    assert!(times.len() > 10 * CLIENTS);
    assert!(refused > 20);
    let growth = memory[2].saturating_sub(memory[1]);
    assert!(
        growth < GROWTH,
        "still growing by {growth} bytes: {memory:?}"
    );
    for time in slow {
        assert!(
            time > Duration::from_secs(5) && time < Duration::from_secs(20),
            "{time:?}"
        );
    }
}

/// Draws and plays without a pause; every answer must be one.
fn good(number: usize, address: SocketAddr, done: &AtomicBool) -> Vec<Duration> {
    let mut client = Client::new(address);
    let requests = requests();
    let mut times = Vec::new();
    // Every client begins at another place, so that all kinds meet.
    for (path, kind, body) in requests.iter().cycle().skip(number) {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let start = Instant::now();
        let reply = client.ask("POST", path, kind, body).unwrap();
        let text = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, 200, "{text}");
        let has_probabilities = reply.body.ends_with(b"]}]}");
        assert!(path != LOOK || has_probabilities);
        times.push(start.elapsed());
    }
    times
}

/// Sends requests that break a rule, each of which must be refused.
fn bad(address: SocketAddr, done: &AtomicBool) -> usize {
    let refusals = refusals();
    let mut refused = 0;
    for (bytes, status) in refusals.iter().cycle() {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let mut client = Client::new(address);
        let _ = client.send(bytes);
        assert_eq!(client.reply().map(|reply| reply.status), Some(*status));
        refused += 1;
        thread::sleep(Duration::from_millis(10));
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
    if !in_head {
        assert_eq!(client.reply().map(|reply| reply.status), Some(408));
    }
    start.elapsed()
}
