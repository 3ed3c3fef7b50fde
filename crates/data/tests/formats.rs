//! The IDX reader and the preparation of pictures, on good and on hostile bytes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use digits_data::idx::{self, Split};
use digits_data::prepare::{Bounds, Prepared, prepare};
use digits_data::{DataError, Dataset, ImageShape, Images, OpenOptions, Source, open};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

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
    for (split, classes, labels) in [(Split::Train, 4, [0, 3]), (Split::Test, 9, [1, 8])] {
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
        idx::write(folder.path(), Split::Train, &images).unwrap();
        idx::write(folder.path(), Split::Test, &images).unwrap();
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
    for (wide, high, ink, paper) in [
        (30, 120, 0, 255),
        (120, 30, 0, 255),
        (30, 120, 255, 0),
        (80, 80, 90, 160),
    ] {
        // A bar somewhere in a large picture.
        let bar = GrayImage::from_fn(300, 200, |x, y| {
            let inside = (20..20 + wide).contains(&x) && (30..30 + high).contains(&y);
            Luma([if inside { ink } else { paper }])
        });
        let prepared = prepared(&png(bar)).unwrap();
        assert_eq!(prepared.inverted, ink < paper);
        assert_eq!(prepared.pixels.iter().max(), Some(&255));
        let longest = f64::from(wide.max(high));
        for (side, coordinate) in [
            (high, (|i| i / 28) as fn(usize) -> usize),
            (wide, |i| i % 28),
        ] {
            let inked = (0..784).filter(|&i| prepared.pixels[i] > 0);
            let places: Vec<usize> = inked.map(coordinate).collect();
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
        let paper = png(GrayImage::from_fn(60, 60, grain));
        let outcome = prepared(&paper);
        assert!(matches!(outcome, Err(DataError::Blank(_))), "{outcome:?}");
    }
}

#[test]
fn digits_of_mnist_survive_their_own_preparation() {
    let Some(folder) = common::mnist() else {
        return;
    };
    let dataset = opened(&folder);
    let close = (0..500).filter(|&index| {
        let pixels = dataset.train.pixels(index);
        let picture = png(GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap());
        let prepared = prepared(&picture).unwrap();
        let pairs = pixels.iter().zip(&prepared.pixels);
        let difference: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let ink: u32 = pixels.iter().map(|&pixel| u32::from(pixel)).sum();
        f64::from(difference) < 0.35 * f64::from(ink)
    });
    let close = close.count();
    assert!(close >= 450, "{close} of 500 digits stay what they were");
}
