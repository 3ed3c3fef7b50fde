//! Fetching MNIST, against a server on this machine: every way a mirror can fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::mnist;
use digits_data::{Cache, DataError, Event, OpenOptions};

/// What a mirror does with a request.
#[derive(Clone, Copy)]
enum Mirror {
    Serve,
    WrongBytes,
    CutOff,
    WebPage,
    NotFound,
    Silent,
}

/// A mirror of the files in a folder; the list of paths that were asked for grows as it serves.
fn mirror(files: PathBuf, behavior: Mirror) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (files, log) = (files.clone(), Arc::clone(&log));
            thread::spawn(move || answer(stream.unwrap(), &files, behavior, &log));
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, files: &Path, behavior: Mirror, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let name = line
        .split(' ')
        .nth(1)
        .unwrap()
        .trim_start_matches('/')
        .to_owned();
    log.lock().unwrap().push(name.clone());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let mut bytes = fs::read(files.join(&name)).unwrap();
    let mut status = "200 OK";
    let mut length = bytes.len();
    match behavior {
        Mirror::Serve => {}
        Mirror::WrongBytes => bytes = fs::read(files.join("t10k-labels-idx1-ubyte.gz")).unwrap(),
        Mirror::CutOff => bytes.truncate(length / 2),
        Mirror::WebPage => {
            bytes = b"<html><body>Please log in to the hotel's network</body></html>".to_vec()
        }
        Mirror::NotFound => status = "404 Not Found",
        Mirror::Silent => {
            let _ = stream.read(&mut [0; 1]); // until the client gives up
            return;
        }
    }
    if !matches!(behavior, Mirror::CutOff) {
        length = bytes.len();
    }
    // A client that found out enough closes; that is no failure of this server.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(&bytes);
}

fn options(mirrors: &[&str]) -> OpenOptions {
    OpenOptions {
        offline: false,
        mirrors: Some(mirrors.iter().map(|mirror| (*mirror).to_owned()).collect()),
    }
}

#[test]
fn a_good_mirror_fills_the_cache_and_only_what_is_missing_is_fetched_again() {
    let Some(files) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let (address, asked) = mirror(files, Mirror::Serve);
    let mut last = None;
    cache
        .fetch(&options(&[&address]), &mut |event| last = Some(event))
        .unwrap();
    assert!(cache.is_whole());
    assert_eq!(asked.lock().unwrap().len(), 4);
    assert!(
        matches!(last, Some(Event::Download { bytes, total: Some(total), .. }) if bytes == total)
    );

    let damaged = folder.path().join("test/t10k-labels-idx1-ubyte");
    fs::write(&damaged, b"nonsense").unwrap();
    assert!(!cache.is_whole());
    cache.fetch(&options(&[&address]), &mut |_| {}).unwrap();
    assert!(cache.is_whole());
    assert_eq!(asked.lock().unwrap()[4..], ["t10k-labels-idx1-ubyte.gz"]);
    let left: Vec<_> = fs::read_dir(folder.path().join("test")).unwrap().collect();
    assert_eq!(left.len(), 2, "temporary files are left: {left:?}");
}

#[test]
fn mirrors_that_fail_are_passed_over_and_nothing_wrong_enters_the_cache() {
    let Some(files) = mnist() else { return };
    let (good, _) = mirror(files.clone(), Mirror::Serve);
    for (behavior, reason) in [
        (Mirror::WrongBytes, "bytes"),
        (Mirror::CutOff, ""),
        (Mirror::WebPage, "web page"),
        (Mirror::NotFound, "404"),
        (Mirror::Silent, "no answer in time"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let (bad, _) = mirror(files.clone(), behavior);
        let error = cache.fetch(&options(&[&bad]), &mut |_| {}).unwrap_err();
        assert!(matches!(error, DataError::Unavailable { .. }), "{error}");
        assert!(
            error.to_string().contains(reason) && error.to_string().contains(&bad),
            "{error}"
        );
        assert!(!folder.path().join("train/train-images-idx3-ubyte").exists());
        cache.fetch(&options(&[&bad, &good]), &mut |_| {}).unwrap();
        assert!(cache.is_whole());
    }
}

#[test]
fn two_mirrors_that_say_nothing_leave_time_for_a_third() {
    let Some(files) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let (good, asked) = mirror(files.clone(), Mirror::Serve);
    let (silent, refused) = mirror(files, Mirror::Silent);
    let mirrors = options(&[&silent, &silent, &good]);
    cache.fetch(&mirrors, &mut |_| {}).unwrap();
    assert!(cache.is_whole());
    // The one that serves is asked first from then on.
    assert_eq!(asked.lock().unwrap().len(), 4);
    assert_eq!(refused.lock().unwrap().len(), 2);
}

#[test]
fn with_no_network_it_is_known_within_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap()); // never accepts
    let started = Instant::now();
    let error = Cache::at(folder.path())
        .fetch(
            &options(&["http://127.0.0.1:1/", &silent, &silent]),
            &mut |_| {},
        )
        .unwrap_err();
    // Not a measure of speed: 5 seconds are promised, and the test itself needs none of them.
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
    assert!(error.to_string().contains("Three ways out"), "{error}");
}

#[test]
fn two_processes_at_once_do_not_harm_the_cache() {
    let Some(files) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = mirror(files.clone(), Mirror::Serve);
    thread::scope(|scope| {
        for import in [false, true, false, true] {
            let (address, files, path) = (&address, &files, folder.path());
            scope.spawn(move || {
                let cache = Cache::at(path);
                if import {
                    cache.import(files, &mut |_| {}).unwrap();
                } else {
                    cache.fetch(&options(&[address]), &mut |_| {}).unwrap();
                }
                assert!(cache.is_whole());
            });
        }
    });
}

#[test]
fn importing_something_else_is_refused_before_anything_is_written() {
    let Some(files) = mnist() else { return };
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for entry in fs::read_dir(&files).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, source.path().join(path.file_name().unwrap())).unwrap();
    }
    let swapped = source.path().join("t10k-labels-idx1-ubyte.gz");
    fs::copy(source.path().join("train-labels-idx1-ubyte.gz"), &swapped).unwrap();
    let cache = Cache::at(target.path().join("cache"));
    let error = cache.import(source.path(), &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, DataError::NotMnist { path, .. } if *path == swapped),
        "{error}"
    );
    fs::remove_file(&swapped).unwrap();
    let error = cache.import(source.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, DataError::MissingFile { .. }), "{error}");
    assert!(!cache.path().exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let Some(files) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, b"in the way").unwrap();
    let error = Cache::at(blocked.join("cache"))
        .import(&files, &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(&error, DataError::Io { path, .. } if path.starts_with(&blocked)),
        "{error}"
    );
}
