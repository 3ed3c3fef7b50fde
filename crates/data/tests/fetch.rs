//! Fetching MNIST, against a server on this machine: every way a mirror can fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::mnist;
use digits_data::{Cache, DataError, Event, OpenOptions};

/// What a mirror of the files in a folder sends to who asks for one of them; nothing to be silent.
type Answer = fn(&Path, &str) -> Vec<u8>;

fn sent(status: &str, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

fn good(files: &Path, name: &str) -> Vec<u8> {
    sent("200 OK", &fs::read(files.join(name)).unwrap())
}

fn silent(_: &Path, _: &str) -> Vec<u8> {
    Vec::new()
}

/// A mirror's address, and the names that it is asked for.
fn mirror(files: &Path, answer: Answer) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let (log, asked) = channel();
    let files = files.to_owned();
    let serve = move |mut stream: TcpStream, log: Sender<String>| {
        let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
        let line = request.next().unwrap().unwrap();
        let name = line.split([' ', '/']).nth(2).unwrap();
        let _ = log.send(name.to_owned()); // not every test listens
        request.find(|line| line.as_ref().is_ok_and(String::is_empty));
        // A client that found out enough closes; that is not a failure of this server.
        match answer(&files, name) {
            bytes if bytes.is_empty() => drop(stream.read(&mut [0; 1])), // until it gives up
            bytes => drop(stream.write_all(&bytes)),
        }
    };
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve, log) = (serve.clone(), log.clone());
            thread::spawn(move || serve(stream.unwrap(), log));
        }
    });
    (address, asked)
}

fn fetch(cache: &Cache, mirrors: &[&str]) -> Result<Option<Event>, DataError> {
    let options = OpenOptions {
        offline: false,
        mirrors: Some(mirrors.iter().map(|&mirror| mirror.to_owned()).collect()),
    };
    let mut last = None;
    cache.fetch(&options, &mut |event| last = Some(event))?;
    assert!(cache.is_whole());
    Ok(last)
}

fn empty_cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path().join("cache"));
    (folder, cache)
}

#[test]
fn a_good_mirror_fills_the_cache_and_only_what_is_missing_is_fetched_again() {
    let Some(files) = mnist() else { return };
    let (_folder, cache) = empty_cache();
    let (address, asked) = mirror(&files, good);
    let last = fetch(&cache, &[&address]).unwrap();
    let whole =
        |event| matches!(event, Event::Download { bytes, total, .. } if total == Some(bytes));
    assert!(last.is_some_and(whole));
    assert_eq!(asked.try_iter().count(), 4);

    let test = cache.path().join("test");
    fs::write(test.join("t10k-labels-idx1-ubyte"), b"nonsense").unwrap();
    assert!(!cache.is_whole());
    fetch(&cache, &[&address]).unwrap();
    assert!(asked.try_iter().eq(["t10k-labels-idx1-ubyte.gz"]));
    let left: Vec<_> = fs::read_dir(test).unwrap().collect();
    assert_eq!(left.len(), 2, "temporary files are left: {left:?}");
}

#[test]
fn mirrors_that_fail_are_passed_over_and_nothing_wrong_enters_the_cache() {
    let Some(files) = mnist() else { return };
    let (good_mirror, _) = mirror(&files, good);
    let failures: [(Answer, &str); 5] = [
        (|files, _| good(files, "t10k-labels-idx1-ubyte.gz"), "bytes"),
        (|files, name| good(files, name)[..1000].to_vec(), ""),
        (
            |_, _| sent("200 OK", b"<html><body>Please log in to the hotel"),
            "web page",
        ),
        (|_, _| sent("404 Not Found", b""), "404"),
        (silent, "no answer in time"),
    ];
    for (answer, reason) in failures {
        let (_folder, cache) = empty_cache();
        let (bad, _) = mirror(&files, answer);
        let error = fetch(&cache, &[&bad]).unwrap_err();
        assert!(matches!(error, DataError::Unavailable(..)), "{error}");
        let message = error.to_string();
        let named = message.contains(reason) && message.contains(&bad);
        assert!(named, "{message}");
        assert!(!cache.path().join("train").exists());
        fetch(&cache, &[&bad, &good_mirror]).unwrap();
    }
}

#[test]
fn two_mirrors_that_say_nothing_leave_time_for_a_third_which_is_asked_first_from_then_on() {
    let Some(files) = mnist() else { return };
    let (_folder, cache) = empty_cache();
    let (address, asked) = mirror(&files, good);
    let (nobody, refused) = mirror(&files, silent);
    fetch(&cache, &[&nobody, &nobody, &address]).unwrap();
    let counts = (asked.try_iter().count(), refused.try_iter().count());
    assert_eq!(counts, (4, 2));
}

#[test]
fn with_no_network_it_is_known_within_five_seconds() {
    let (_folder, cache) = empty_cache();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap()); // never accepts
    let started = Instant::now();
    let error = fetch(&cache, &["http://127.0.0.1:1/", &silent, &silent]).unwrap_err();
    // Not a measure of speed: 5 seconds are promised, and the test itself needs none of them.
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
    assert!(error.to_string().contains("Three ways out"), "{error}");
}

#[test]
fn two_processes_at_once_do_not_harm_the_cache() {
    let Some(files) = mnist() else { return };
    let (_folder, cache) = empty_cache();
    let (address, _) = mirror(&files, good);
    thread::scope(|scope| {
        for import in [false, true, false, true] {
            let (address, files, cache) = (&address, &files, &cache);
            scope.spawn(move || {
                if import {
                    cache.import(files, &mut |_| {}).unwrap();
                } else {
                    fetch(cache, &[address]).unwrap();
                }
                assert!(cache.is_whole());
            });
        }
    });
}

#[test]
fn what_cannot_be_imported_is_named_before_anything_is_written() {
    let Some(files) = mnist() else { return };
    let (folder, cache) = empty_cache();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    for entry in fs::read_dir(&files).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, source.join(path.file_name().unwrap())).unwrap();
    }
    let import = |cache: &Cache, from: &PathBuf| {
        let error = cache.import(from, &mut |_| {}).unwrap_err();
        error.to_string()
    };
    let swapped = source.join("t10k-labels-idx1-ubyte.gz");
    fs::copy(source.join("train-labels-idx1-ubyte.gz"), &swapped).unwrap();
    let message = import(&cache, &source);
    let named = format!("{} is not the MNIST file it is named", swapped.display());
    assert!(message.starts_with(&named), "{message}");
    fs::remove_file(&swapped).unwrap();
    let message = import(&cache, &source);
    assert!(message.contains("holds no t10k-labels"), "{message}");
    assert!(!cache.path().exists());

    fs::write(cache.path(), b"a file in the way").unwrap();
    let message = import(&cache, &files);
    let named = format!("cannot create {}", cache.path().display());
    assert!(message.starts_with(&named), "{message}");
}
