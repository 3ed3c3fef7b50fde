//! A small picture must not take a large memory. In a process of its own, whose memory is measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, repeat};

use digits_data::ImageShape;
use digits_data::prepare::{Bounds, decode, dimensions, prepare};
use flate2::read::ZlibEncoder;
use flate2::{Compression, Crc};

/// What the color profile of the bomb unpacks to; the decoder's own limit is larger.
const PROFILE: u64 = 400 << 20;

fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length, kind, content, &crc.sum().to_be_bytes()].concat()
}

fn zeros(count: u64) -> Vec<u8> {
    let mut packed = Vec::new();
    ZlibEncoder::new(repeat(0).take(count), Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

/// A gray PNG of `side`×`side` pixels, of which it holds 4×4, with these chunks before them.
fn png(side: u32, before: &[u8]) -> Vec<u8> {
    let size = side.to_be_bytes();
    let head = [&size[..], &size, &[8, 0, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n",
        &chunk(b"IHDR", &head)[..],
        before,
        &chunk(b"IDAT", &zeros(20)),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

/// The most memory that this process has ever had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_color_profile_that_unpacks_to_hundreds_of_megabytes_is_not_unpacked() {
    let profile = [&b"bomb\0\0"[..], &zeros(PROFILE)].concat();
    let bomb = png(4, &chunk(b"iCCP", &profile));
    let large = png(20_000, &[]);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    let before = peak();
    // Either answer will do: refused, or read without its profile.
    let _ = dimensions("bomb", &bomb, Bounds::SENT);
    let _ = decode("bomb", &bomb, Bounds::SENT);
    let _ = prepare("bomb", &bomb, ImageShape::MNIST, Bounds::SENT);
    let size = dimensions("large", &large, Bounds::SENT).unwrap();
    assert_eq!(size, (20_000, 20_000));
    assert!(decode("large", &large, Bounds::SENT).is_err());
    let grown = (peak() - before) >> 10;
    assert!(grown < 100, "grown by {grown} MiB");
}
