//! The IDX reader and the preparation of pictures, on good and on hostile bytes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use digits_data::idx::{self, Split};
use digits_data::prepare::prepare;
use digits_data::{DataError, Event, ImageShape, Images, OpenOptions, Source, open};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use proptest::prelude::*;

fn small() -> Images {
    let shape = ImageShape {
        height: 3,
        width: 2,
    };
    Images::new(shape, 4, (0..24).collect(), vec![0, 3, 1, 2]).unwrap()
}

#[test]
fn what_is_written_is_read_back_raw_or_gzipped_under_either_name() {
    let folder = tempfile::tempdir().unwrap();
    idx::write(folder.path(), Split::Train, &small()).unwrap();
    idx::write(folder.path(), Split::Test, &small()).unwrap();
    let raw = folder.path().join("train-images-idx3-ubyte");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&fs::read(&raw).unwrap()).unwrap();
    fs::write(raw.with_extension("gz"), packed.finish().unwrap()).unwrap();
    fs::remove_file(&raw).unwrap();
    let dataset = open(
        &Source::Folder(folder.path().to_owned()),
        &OpenOptions::default(),
        &mut |_: Event| {},
    )
    .unwrap();
    assert_eq!(dataset.train, small());
    assert_eq!(dataset.open_test().unwrap(), small());
}

#[test]
fn a_test_label_unknown_to_the_training_split_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    idx::write(folder.path(), Split::Train, &small()).unwrap();
    let shape = ImageShape {
        height: 3,
        width: 2,
    };
    let test = Images::new(shape, 9, vec![0; 6], vec![8]).unwrap();
    idx::write(folder.path(), Split::Test, &test).unwrap();
    let dataset = open(
        &Source::Folder(folder.path().to_owned()),
        &OpenOptions::default(),
        &mut |_: Event| {},
    )
    .unwrap();
    let message = dataset.open_test().unwrap_err().to_string();
    assert!(
        message.contains("t10k-labels") && message.contains("label 8 at byte 8"),
        "{message}"
    );
}

proptest! {
    /// Any bytes at all: an error or images that are consistent, never a panic.
    #[test]
    fn no_bytes_make_the_reader_panic(
        images in proptest::collection::vec(any::<u8>(), 0..80),
        labels in proptest::collection::vec(any::<u8>(), 0..40),
        honest: bool,
    ) {
        let mut images = images;
        if honest && images.len() >= 16 {
            images[..8].copy_from_slice(&[0, 0, 8, 3, 0, 0, 0, 1]);
        }
        let path = Path::new("file");
        if let Ok(images) = idx::parse((path, &images), (path, &labels), None) {
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
        if let Ok(prepared) = prepare("bytes", &bytes, ImageShape::MNIST) {
            prop_assert_eq!(prepared.pixels.len(), 784);
        }
    }
}

fn png(image: GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::ImageLuma8(image)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    bytes
}

/// A bar of ink, `wide`×`high` pixels, somewhere in a large picture.
fn bar(wide: u32, high: u32, ink: u8, paper: u8) -> Vec<u8> {
    png(GrayImage::from_fn(300, 200, |x, y| {
        let inside = (20..20 + wide).contains(&x) && (30..30 + high).contains(&y);
        Luma([if inside { ink } else { paper }])
    }))
}

#[test]
fn the_longer_side_becomes_20_pixels_and_the_ink_is_centered() {
    for (wide, high, ink, paper) in [
        (30, 120, 0, 255),
        (120, 30, 0, 255),
        (30, 120, 255, 0),
        (80, 80, 90, 160),
    ] {
        let prepared = prepare("bar", &bar(wide, high, ink, paper), ImageShape::MNIST).unwrap();
        assert_eq!(prepared.inverted, ink < paper);
        let inked: Vec<usize> = (0..784).filter(|&i| prepared.pixels[i] > 0).collect();
        let rows: Vec<usize> = inked.iter().map(|i| i / 28).collect();
        let columns: Vec<usize> = inked.iter().map(|i| i % 28).collect();
        let span =
            |values: &[usize]| values.iter().max().unwrap() - values.iter().min().unwrap() + 1;
        let longest = f64::from(wide.max(high));
        assert_eq!(
            span(&rows),
            (20.0 * f64::from(high) / longest).round() as usize
        );
        assert_eq!(
            span(&columns),
            (20.0 * f64::from(wide) / longest).round() as usize
        );
        let middle =
            |values: &[usize]| values.iter().sum::<usize>() as f64 / values.len() as f64 + 0.5;
        assert!((middle(&rows) - 14.0).abs() <= 1.0 && (middle(&columns) - 14.0).abs() <= 1.0);
        assert_eq!(prepared.pixels.iter().max(), Some(&255));
    }
}

#[test]
fn paper_without_ink_is_blank_whatever_its_grain() {
    for noise in [0, 4, 8] {
        let paper = png(GrayImage::from_fn(60, 60, |x, y| {
            Luma([230 + ((x * 7 + y * 13) % (noise + 1)) as u8])
        }));
        let outcome = prepare("paper", &paper, ImageShape::MNIST);
        assert!(matches!(outcome, Err(DataError::Blank(_))), "{outcome:?}");
    }
}

#[test]
fn digits_of_mnist_survive_their_own_preparation() {
    let Some(folder) = common::mnist() else {
        return;
    };
    let dataset = open(
        &Source::Folder(folder),
        &OpenOptions::default(),
        &mut |_: Event| {},
    )
    .unwrap();
    let mut close = 0;
    for index in 0..500 {
        let pixels = dataset.train.pixels(index);
        let picture = png(GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap());
        let prepared = prepare("digit", &picture, ImageShape::MNIST).unwrap();
        let difference: u32 = pixels
            .iter()
            .zip(&prepared.pixels)
            .map(|(a, b)| u32::from(a.abs_diff(*b)))
            .sum();
        let ink: u32 = pixels.iter().map(|&pixel| u32::from(pixel)).sum();
        close += usize::from(f64::from(difference) < 0.35 * f64::from(ink));
    }
    assert!(close >= 450, "{close} of 500 digits stay what they were");
}
