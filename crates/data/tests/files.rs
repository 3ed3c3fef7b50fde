//! Files on good and on hostile bytes: the IDX reader, the preparation of pictures, and fetching
//! MNIST against a server on this machine, with every way a mirror can fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use digits_data::idx;
use digits_data::prepare::{Bounds, Prepared, prepare};
use digits_data::{
    Cache, DataError, Dataset, Event, ImageShape, Images, OpenOptions, Source, open,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

/// The folder with MNIST's four gzipped files, or `None` (and a line that says so) where it is
/// not at hand. In CI (`CI=true`) it must be: a test that checks nothing would pass unnoticed.
fn mnist() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist");
    let folder = std::env::var_os("DIGITS_MNIST_DIR").map_or(beside, PathBuf::from);
    if folder.join("t10k-labels-idx1-ubyte.gz").is_file() {
        return Some(folder);
    }
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        !ci,
        "no gzipped MNIST in {} (set DIGITS_MNIST_DIR)",
        folder.display()
    );
    println!("skipped: no gzipped MNIST in {}", folder.display());
    None
}

fn prepared(bytes: &[u8]) -> Result<Prepared, DataError> {
    prepare("picture", bytes, ImageShape::MNIST, Bounds::FILE)
}

fn opened(folder: &Path) -> Dataset {
    let source = Source::Folder(folder.to_owned());
    open(&source, &OpenOptions::default(), &mut |_| {}).unwrap()
}

#[test]
fn a_test_label_unknown_to_the_training_split_is_an_error_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    for (split, classes, labels) in [(idx::TRAIN, 4, [0, 3]), (idx::TEST, 9, [1, 8])] {
        let images = Images::new(ImageShape::new(3, 2), classes, vec![0; 12], labels.into());
        idx::write(folder.path(), split, &images.unwrap()).unwrap();
    }
    let message = opened(folder.path()).open_test().unwrap_err().to_string();
    let place = message.contains("t10k-labels") && message.contains("label 8 at byte 9");
    assert!(place, "{message}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_raw_or_gzipped_under_either_name(
        shape in (1_usize..5, 1_usize..5),
        mut labels in proptest::collection::vec(0_u8..10, 1..9),
        form in 0..3,
    ) {
        labels.push(9);
        let shape = ImageShape::new(shape.0, shape.1);
        let pixels = (0..labels.len() * shape.pixels()).map(|i| i as u8).collect();
        let images = Images::new(shape, 10, pixels, labels).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for split in [idx::TRAIN, idx::TEST] {
            idx::write(folder.path(), split, &images).unwrap();
        }
        let raw = folder.path().join("train-images-idx3-ubyte");
        if form > 0 {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&fs::read(&raw).unwrap()).unwrap();
            fs::write(&raw, packed.finish().unwrap()).unwrap();
        }
        if form == 2 {
            fs::rename(&raw, raw.with_extension("gz")).unwrap();
        }
        let dataset = opened(folder.path());
        prop_assert_eq!(&dataset.train, &images);
        prop_assert_eq!(dataset.open_test().unwrap(), images);
    }

    /// Any bytes at all: an error or images that are consistent, never a panic.
    #[test]
    fn no_bytes_make_the_reader_panic(
        mut images in proptest::collection::vec(any::<u8>(), 0..80),
        labels in proptest::collection::vec(any::<u8>(), 0..40),
        honest: bool,
    ) {
        if honest && images.len() >= 16 {
            images[..8].copy_from_slice(&[0, 0, 8, 3, 0, 0, 0, 1]);
        }
        let files = [images, labels].map(|bytes| (PathBuf::from("file"), bytes));
        if let Ok(images) = idx::parse(&files, None) {
            prop_assert_eq!(images.pixels(0).len(), images.shape().pixels());
        }
    }

    #[test]
    fn no_bytes_make_the_preparation_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        header in 0..5_usize,
    ) {
        let start: [&[u8]; 5] = [b"", b"P5 3 3 255\n", b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xd8\xff"];
        let bytes = [start[header], &bytes].concat();
        if let Ok(prepared) = prepared(&bytes) {
            prop_assert_eq!(prepared.pixels.len(), 784);
        }
    }
}

fn png(image: GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageLuma8(image);
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn the_longer_side_becomes_20_pixels_and_the_ink_is_centered() {
    let cases = [
        (30, 120, 0, 255),
        (120, 30, 0, 255),
        (30, 120, 255, 0),
        (80, 80, 90, 160),
    ];
    for (wide, high, ink, paper) in cases {
        // A bar somewhere in a large picture.
        let bar = GrayImage::from_fn(300, 200, |x, y| {
            let inside = (20..20 + wide).contains(&x) && (30..30 + high).contains(&y);
            Luma([if inside { ink } else { paper }])
        });
        let prepared = prepared(&png(bar)).unwrap();
        assert_eq!(prepared.inverted, ink < paper);
        assert_eq!(prepared.pixels.iter().max(), Some(&255));
        let longest = f64::from(wide.max(high));
        let inked = || (0..784).filter(|&i| prepared.pixels[i] > 0);
        let (rows, columns) = (inked().map(|i| i / 28), inked().map(|i| i % 28));
        for (side, places) in [(high, rows.collect::<Vec<_>>()), (wide, columns.collect())] {
            let (low, high) = (places.iter().min().unwrap(), places.iter().max().unwrap());
            let expected = (20.0 * f64::from(side) / longest).round() as usize;
            assert_eq!(high - low + 1, expected, "{wide}×{high}");
            let mean = places.iter().sum::<usize>() as f64 / places.len() as f64;
            assert!((mean + 0.5 - 14.0).abs() <= 1.0, "{wide}×{high}: {mean}");
        }
    }
}

#[test]
fn paper_without_ink_is_blank_whatever_its_grain() {
    for noise in [0, 4, 8] {
        let grain = |x, y| Luma([230 + ((x * 7 + y * 13) % (noise + 1)) as u8]);
        let outcome = prepared(&png(GrayImage::from_fn(60, 60, grain)));
        assert!(matches!(outcome, Err(DataError::Blank(_))), "{outcome:?}");
    }
}

#[test]
fn digits_of_mnist_survive_their_own_preparation() {
    let Some(folder) = mnist() else { return };
    let dataset = opened(&folder);
    let close = |&index: &usize| {
        let pixels = dataset.train.pixels(index);
        let picture = GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap();
        let prepared = prepared(&png(picture)).unwrap();
        let pairs = pixels.iter().zip(&prepared.pixels);
        let difference: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let ink: u32 = pixels.iter().map(|&pixel| u32::from(pixel)).sum();
        f64::from(difference) < 0.35 * f64::from(ink)
    };
    let close = (0..500).filter(close).count();
    assert!(close >= 450, "{close} of 500 digits stay what they were");
}

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
    let serve = move |mut stream: TcpStream| {
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
        listener
            .incoming()
            .for_each(|stream| serve(stream.unwrap()))
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
    let fetched = || drop(fetch(&cache, &[&address]).unwrap());
    let imported = || cache.import(&files, &mut |_| {}).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(fetched);
            scope.spawn(imported);
        }
    });
    assert!(cache.is_whole());
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
