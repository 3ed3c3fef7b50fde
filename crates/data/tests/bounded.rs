//! A small picture must not take a large memory. In a process of its own, whose memory is measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;

use digits_data::ImageShape;
use digits_data::prepare::{Bounds, decode, dimensions, prepare_within};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// What the color profile of the bomb unpacks to; the decoder's own limit is larger.
const PROFILE: usize = 400 << 20;

fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap();
    [
        &length.to_be_bytes(),
        kind,
        content,
        &crc.sum().to_be_bytes(),
    ]
    .concat()
}

fn zeros(count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    for start in (0..count).step_by(block.len()) {
        encoder
            .write_all(&block[..block.len().min(count - start)])
            .unwrap();
    }
    encoder.finish().unwrap()
}

/// A gray PNG of `side`×`side` pixels with these chunks before its pixels.
fn png(side: u32, before: &[Vec<u8>]) -> Vec<u8> {
    let size = side.to_be_bytes();
    let head = [&size[..], &size, &[8, 0, 0, 0, 0]].concat();
    let rows = zeros((side as usize + 1) * side as usize);
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        before.concat(),
        chunk(b"IDAT", &rows),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// The most memory that this process has ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

#[test]
fn a_color_profile_that_unpacks_to_hundreds_of_megabytes_is_not_unpacked() {
    let profile = [&b"bomb\0\0"[..], &zeros(PROFILE)].concat();
    let bomb = png(4, &[chunk(b"iCCP", &profile)]);
    let large = png(20_000, &[]);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    let before = peak();
    // Either answer will do: refused, or read without its profile.
    let _ = dimensions("bomb", &bomb, Bounds::SENT);
    let _ = decode("bomb", &bomb, Bounds::SENT);
    let _ = prepare_within("bomb", &bomb, ImageShape::MNIST, Bounds::SENT);
    assert_eq!(
        dimensions("large", &large, Bounds::SENT).unwrap(),
        (20_000, 20_000)
    );
    assert!(decode("large", &large, Bounds::SENT).is_err());
    let grown = peak() - before;
    assert!(grown < 100 << 20, "grown by {} MiB", grown >> 20);
}
