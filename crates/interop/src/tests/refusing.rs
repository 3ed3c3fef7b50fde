//! What is wrong with a file is one clear error: nothing is executed, no claimed size is believed,
//! and nothing is written.

use std::fs;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    archive, assert_refused, assert_refused_for, config, contents, dense, dict, fixture, opened,
    pickle, safetensors, state_dict, tensor, text, view, with_first_value, zip,
};
use crate::WeightFile;

#[test]
fn what_holds_no_weights_is_named_and_nothing_is_executed() {
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let command = text(&format!("touch {}", touched.display()));
    for (object, function) in [
        ("`os.system`", &b"cos\nsystem\n"[..]),
        ("`builtins.exec`", b"\x8c\x08builtins\x8c\x04exec\x93"),
        ("`torch.load`", b"ctorch\nload\n"),
    ] {
        let call = [function, b"(", &command, b"tR"].concat();
        // As PyTorch 1.6 and later write it, and a pickle by itself.
        let part = format!("{object}, which is not part of a state dict. Nothing was executed");
        for bytes in [archive(&call, &[]), pickle(&call)] {
            assert_refused(&bytes, &part);
        }
    }
    assert!(!touched.exists());
    let message = WeightFile::open(witness.path()).unwrap_err().to_string();
    assert!(message.contains("it is not a file"), "{message}");
    let tar = [&[0; 257][..], b"ustar", &[0; 250]].concat();
    assert_refused(&tar, "before 0.1.10");
    assert_refused(b"batch = 8", "neither a .safetensors file nor one that");
    assert_refused(&zip(&[("x/version", b"3")]), "no data.pkl");
    assert_refused(&archive(b"}", &[]), "holds no tensor");
    assert_refused(&archive(b"N", &[]), "Expected a dictionary");
}

#[test]
fn nothing_stands_in_a_file_twice() {
    // Two tensors of one name, in one dictionary or with a dictionary of that name.
    let (one, other) = (tensor("0", 1, 1), tensor("1", 1, 1));
    let doubled = dict(&[("a.x", one.clone()), ("a.x", other.clone())]);
    let inside = dict(&[("x", one), ("y", other.clone())]);
    let nested = dict(&[("a", inside), ("a.x", other)]);
    for tensors in [doubled, nested] {
        assert_refused(&archive(&tensors, &[1, 1]), "two tensors named");
    }
    let entry = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{entry},{entry}}}");
    assert_refused(&safetensors(&header, &[0; 4]), "two tensors named x");

    // Entries of the archive: of one name, in one place, or larger than they look.
    let good = archive(b"}", &[16, 16]);
    let header = |at: &usize| good[*at..].starts_with(b"PK\x01\x02");
    let directory: Vec<usize> = (0..good.len()).filter(header).collect();
    for (at, bytes, part) in [
        (directory[2] + 46, &b"x/data/0"[..], "have one name"),
        (directory[2] + 42, &[0; 4], "overlap"),
        (directory[1] + 10, &[8], "is compressed"),
    ] {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        assert_refused(&changed, part);
    }
}

#[test]
fn claimed_sizes_are_compared_with_what_is_there() {
    let header = |shape: &str| {
        let entry = format!(r#"{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,16]}}"#);
        format!(r#"{{"x":{entry}}}"#)
    };
    for shape in ["1099511627776", "4294967296,4294967296,4294967296", "8"] {
        let bytes = safetensors(&header(shape), &[0; 16]);
        assert_refused(&bytes, "not a whole .safetensors file");
    }
    let header = header("4");
    let length = header.len() as u64;
    for wrong in [0, length - 1, length + 1, length + 17, 1 << 40, u64::MAX] {
        let bytes = [&wrong.to_le_bytes()[..], header.as_bytes(), &[0; 16]].concat();
        assert_refused(&bytes, "cannot be read");
    }
    // A view that repeats one number 2³⁰ or 2⁶² times, under a name that is needed.
    let view = |shape: &[u8], strides: &[u8]| {
        let tensor = view("0", 1, shape, strides);
        archive(&dict(&[("classifier.0.weight", tensor)]), &[1])
    };
    let long = view(b"(J\0\0\0\x40t", b"(K\0t");
    assert_refused(&long, "size mismatch: classifier.0.weight [1073741824]");
    let square = view(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"(K\0K\0t");
    assert_refused(&square, "byte limit");
}

#[test]
fn storages_that_are_missing_short_or_of_another_machine_are_named() {
    let weights = dict(&[
        ("classifier.0.weight", tensor("0", 2, 4)),
        ("classifier.0.bias", tensor("1", 1, 2)),
    ]);
    let good = opened("x.pt", &archive(&weights, &[8, 2])).unwrap();
    assert_eq!(contents(&good).len(), 2);
    let other = zip(&[("x/data.pkl", &pickle(&weights)), ("x/byteorder", b"big")]);
    for (bytes, part) in [
        (archive(&weights, &[8]), "classifier.0.bias: "),
        (archive(&weights, &[8, 1]), "classifier.0.bias: "),
        (other, "Big-endian"),
    ] {
        assert_refused_for(&dense(&[]), "x.pt", &bytes, part);
    }
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    // Dictionaries in one another, each holding the next twice: 2⁶⁰ paths.
    let mut nested = b"}".to_vec();
    for index in 0..60 {
        nested.extend([b'q', index, b'0', b'}']);
        nested.extend([b'K', 0, b'h', index, b's', b'K', 1, b'h', index, b's']);
    }
    // The parser counts neither names of classes nor keys of storages and ranks of tensors, of
    // which each copy takes memory.
    let long = "A".repeat(200);
    let class = format!("ctorch\n{long}Storage\n").into_bytes();
    let stacked = [&text("torch")[..], &text(&long), b"\x93"].concat();
    let untold = [&text("a")[..], &text("b"), &text("c"), b"00\x93"].concat();
    let storage = [&tensor(&"7".repeat(10_000), 1, 1)[..], b"q\x01"].concat();
    let rank = [b"(", &b"K\x01".repeat(10_000)[..], b"tq\x01"].concat();
    // Long names of many tensors.
    let many = [&text("a")[..], &tensor("0", 1, 1), b"s"].concat();
    let many = [&text(&"b".repeat(1_000_000))[..], b"0}", &many.repeat(2000)].concat();
    // Millions of values, marks, or entries of the memo, from as many bytes.
    let millions = [b"N", b"(", b")", b"\x94"].map(|code| code.repeat(2_000_000));
    let millions = millions.map(|codes| [b"}", &codes[..]].concat());
    let named = dict(&[("n".repeat(1001), tensor("0", 1, 1))]);
    let copied = [storage, rank, b"K\x01q\x01".to_vec()];
    let copied = copied.map(|value| [value, b"h\x01".repeat(200_000)].concat());
    for (part, contents) in [
        ("more than 1000000 instructions", &millions[..]),
        ("memo bomb", &[nested]),
        ("within 100 bytes", &[class, stacked]),
        ("something else than text", &[untold]),
        ("fill the memory", &copied),
        ("fill the memory", &[many]),
        ("name of 1001 bytes", &[named]),
    ] {
        for content in contents {
            assert_refused(&archive(content, &[1]), part);
        }
    }
}

#[test]
fn values_that_no_network_can_use_are_named() {
    let good = state_dict();
    // Integers under the right names and shapes.
    let start = 8 + u64::from_le_bytes(good.bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&good.bytes[8..start]).unwrap();
    let integers = safetensors(&header.replace("F32", "I32"), &good.bytes[start..]);
    let refused = |bytes: &[u8], part: &str| {
        assert_refused_for(&config("cnn-batchnorm"), "x.safetensors", bytes, part);
    };
    refused(&integers, "features.0.weight: its elements are I32");
    for (name, value, problem) in [
        ("classifier.0.weight", f32::NAN, "1 of 96 values"),
        ("classifier.0.weight", f32::INFINITY, "1 of 96 values"),
        ("features.1.running_var", -1.0, "a variance is negative"),
    ] {
        let spoiled = with_first_value(&good, name, value);
        refused(&spoiled, &format!("{name}: {problem}"));
    }
}

#[test]
fn no_truncated_or_altered_file_brings_the_reader_down() {
    let rounds = std::env::var("DIGITS_MUTATIONS").map_or(1000, |text| text.parse().unwrap());
    let model = config("cnn-batchnorm").model;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let names = "checkpoint.pt before-1.6.pt whole-module.pt cnn-batchnorm.safetensors";
    for name in names.split(' ') {
        let good = fs::read(fixture(name)).unwrap();
        let attempt = |bytes: &[u8]| {
            let file = opened(name, bytes)?;
            for tensor in &file.tensors {
                if tensor.shape.iter().product::<usize>() < 100_000 {
                    let _ = tensor.values(&file.bytes); // an error is an answer
                }
            }
            file.assign(&model, None)
        };
        for length in (0..good.len()).step_by(37) {
            attempt(&good[..length]).expect_err("a part of a file");
        }
        // A checksum of 0 is none, so that changes of the pickle get through to its parser.
        let mut open = good.clone();
        for at in 0..open.len() - 20 {
            if open[at..].starts_with(b"PK\x01\x02") {
                open[at + 16..at + 20].fill(0);
            }
        }
        // Directory and pickle, or header, are where lengths and offsets stand.
        for _ in 0..rounds {
            let mut bytes = open.clone();
            for _ in 0..rng.random_range(1..4) {
                let near = rng.random_range(0..3000.min(bytes.len()));
                let from_end = rng.random::<bool>() && name.ends_with("pt");
                let last = bytes.len() - 1;
                bytes[if from_end { last - near } else { near }] = rng.random();
            }
            let _ = attempt(&bytes); // a changed name or value may well be read
        }
    }
}
