//! What is wrong with a file is one clear error: nothing is executed, no claimed size is believed,
//! and nothing is written.

use std::fs;

use digits_train::RunFolder;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::support::{
    archive, config, dict, fixture, pickle, refused_bytes, safetensors, take, tensor, text,
    written, zip,
};
use crate::{FloatType, InteropError, WeightFile, export};

#[test]
fn what_holds_no_weights_is_named_and_nothing_is_executed() {
    let network = config("mlp-tanh");
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let command = [
        b"(",
        &text(&format!("touch {}", touched.display()))[..],
        b"tR",
    ]
    .concat();
    for (object, call) in [
        ("os.system", &b"cos\nsystem\n"[..]),
        ("builtins.exec", b"\x8c\x08builtins\x8c\x04exec\x93"),
        ("torch.load", b"ctorch\nload\n"),
    ] {
        let pickled = pickle(&[call, &command].concat());
        // As PyTorch 1.6 and later write it, and a pickle by itself.
        for bytes in [archive(&pickled, &[]), pickled] {
            let message = refused_bytes("evil.pt", &bytes, &network);
            assert!(message.contains(&format!("`{object}`")), "{message}");
            assert!(message.contains("Nothing was executed"), "{message}");
        }
    }
    assert!(!touched.exists());
    let tar = [&[0; 257][..], b"ustar", &[0; 250]].concat();
    for (bytes, part) in [
        (
            &b"label_smoothing = 0.05"[..],
            "neither a .safetensors file nor one that torch.save wrote",
        ),
        (&tar, "before 0.1.10"),
        (&zip(&[("x/version", b"3")]), "no data.pkl"),
        (&archive(&pickle(b"}"), &[]), "holds no tensor"),
        (&archive(&pickle(b"K\x01"), &[]), "Expected a dictionary"),
    ] {
        let message = refused_bytes("x.pt", bytes, &network);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nothing_stands_in_a_file_twice() {
    let network = config("mlp-tanh");
    let refused = |bytes: &[u8], part: &str| {
        let message = refused_bytes("x.pt", bytes, &network);
        assert!(message.contains(part), "{message}");
    };
    // Two tensors of one name, in one dictionary or with a dictionary of that name.
    let (one, other) = (tensor("0", 1, 1), tensor("1", 1, 1));
    let doubled = dict(&[("a.x", one.clone()), ("a.x", other.clone())]);
    refused(
        &archive(&pickle(&doubled), &[1, 1]),
        "two tensors named a.x",
    );
    let inside = dict(&[("x", one), ("y", other.clone())]);
    let doubled = dict(&[("a", inside), ("a.x", other)]);
    refused(&archive(&pickle(&doubled), &[1, 1]), "two tensors named");
    let entry = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{entry},{entry}}}");
    refused(&safetensors(&header, &[0; 4]), "two tensors named x");

    // Entries of the archive: of one name, in one place, or larger than they look.
    let good = archive(&pickle(b"}"), &[16, 16]);
    let directory: Vec<usize> = (0..good.len())
        .filter(|&at| good[at..].starts_with(b"PK\x01\x02"))
        .collect();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let name = directory[2] + 46;
    refused(&changed(name, b"x/data/0"), "have one name");
    refused(&changed(directory[2] + 42, &[0; 4]), "overlap");
    refused(&changed(directory[1] + 10, &[8]), "is compressed");
}

#[test]
fn claimed_sizes_are_compared_with_what_is_there() {
    let network = config("mlp-tanh");
    let shapes = [
        "[1099511627776]",
        "[4294967296,4294967296,4294967296]",
        "[8]",
    ];
    let headers = shapes.map(|shape| {
        let header = format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[0,16]}}}}"#);
        safetensors(&header, &[0; 16])
    });
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    for bytes in headers.into_iter().chain([huge]) {
        let message = refused_bytes("a.safetensors", &bytes, &network);
        assert!(
            message.contains("not a whole .safetensors file"),
            "{message}"
        );
    }
    // A view that repeats one number 2³⁰ or 2⁶² times, under a name that is needed.
    let view = |shape: &[u8], strides: &[u8]| {
        let rebuild =
            b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
            X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\0";
        let tensor = [rebuild, shape, strides, b"\x89}tR"].concat();
        archive(&pickle(&dict(&[("classifier.0.weight", tensor)])), &[1])
    };
    let message = refused_bytes("a.pt", &view(b"(J\0\0\0\x40t", b"(K\0t"), &network);
    assert!(
        message.contains("size mismatch: classifier.0.weight [1073741824]"),
        "{message}"
    );
    let square = view(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"(K\0K\0t");
    let message = refused_bytes("a.pt", &square, &network);
    assert!(message.contains("byte limit"), "{message}");
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    let network = config("mlp-tanh");
    let refused = |content: &[u8], part: &str| {
        let message = refused_bytes("a.pt", &archive(&pickle(content), &[1]), &network);
        assert!(message.contains(part), "{message}");
    };
    // Millions of values, marks, or entries of the memo, from as many bytes.
    for code in [b"N", b"(", b")", b"\x94"] {
        let content = [b"}", &code.repeat(2_000_000)[..]].concat();
        refused(&content, "more than 1000000 instructions");
    }
    let fetched = [b"K\x01q\0", &b"h\0".repeat(2_000_000)[..]].concat();
    refused(&fetched, "fill the memory");
    // Dictionaries in one another, each holding the next twice: 2⁶⁰ paths.
    let mut nested = b"}".to_vec();
    for index in 0..60 {
        nested.extend([
            b'q', index, b'0', b'}', b'K', 0, b'h', index, b's', b'K', 1, b'h', index, b's',
        ]);
    }
    refused(&nested, "memo bomb");
    // The parser counts neither names of classes nor keys of storages and ranks of tensors, of
    // which each copy takes memory.
    let long = "A".repeat(200);
    refused(
        format!("ctorch\n{long}Storage\n").as_bytes(),
        "within 100 bytes",
    );
    let class = [text("torch"), text(&long), b"\x93".to_vec()].concat();
    refused(&class, "within 100 bytes");
    refused(
        b"X\x01\0\0\0aX\x01\0\0\0bX\x01\0\0\0c00\x93",
        "something else than text",
    );
    let copied = [
        &tensor(&"7".repeat(10_000), 1, 1)[..],
        b"q\x01",
        &b"h\x01".repeat(200_000),
    ];
    refused(&copied.concat(), "fill the memory");
    let ranks = [
        b"(",
        &b"K\x01".repeat(10_000)[..],
        b"tq\x01",
        &b"h\x01q\x02".repeat(10_000),
    ];
    refused(&ranks.concat(), "fill the memory");
    // Long names of many tensors.
    let many = (0..2000).flat_map(|_| [&text("a")[..], &tensor("0", 1, 1), b"s"].concat());
    let many = [
        &text(&"b".repeat(1_000_000))[..],
        b"0}",
        &many.collect::<Vec<_>>(),
    ]
    .concat();
    refused(&many, "fill the memory");
    refused(
        &dict(&[(&"n".repeat(1001), tensor("0", 1, 1))]),
        "name of 1001 bytes",
    );
}

#[test]
fn values_that_no_network_can_use_are_named() {
    let config = config("cnn-batchnorm");
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    take(&fixture("state-dict.pt"), None, &config, &run).unwrap();
    let good = export(&RunFolder::new(&run), FloatType::F32).unwrap();
    for (name, value, part) in [
        (
            "classifier.0.weight",
            f32::NAN,
            "classifier.0.weight: 1 of 96 values",
        ),
        (
            "classifier.0.weight",
            f32::INFINITY,
            "classifier.0.weight: 1 of 96 values",
        ),
        (
            "features.1.running_var",
            -1.0,
            "features.1.running_var: a variance is negative",
        ),
    ] {
        let spoiled = super::support::with_first_value(&good, name, value);
        let message = refused_bytes("x.safetensors", &spoiled, &config);
        assert!(message.contains(part), "{message}");
    }
    // Integers under the right names and shapes.
    let start = 8 + u64::from_le_bytes(good.bytes()[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&good.bytes()[8..start]).unwrap();
    let integers = safetensors(&header.replace("F32", "I32"), &good.bytes()[start..]);
    let message = refused_bytes("x.safetensors", &integers, &config);
    assert!(
        message.contains("features.0.weight: its elements are I32"),
        "{message}"
    );
}

#[test]
fn no_truncated_or_altered_file_brings_the_reader_down() {
    // A run with 20,000 files for each name is noted in the README of the crate.
    let rounds = std::env::var("DIGITS_MUTATIONS").map_or(1000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let model = config("cnn-batchnorm").model;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    for name in [
        "checkpoint.pt",
        "before-1.6.pt",
        "whole-module.pt",
        "cnn-batchnorm.safetensors",
    ] {
        let good = fs::read(fixture(name)).unwrap();
        let attempt = |bytes: &[u8]| {
            let file = WeightFile::open(&written(folder.path(), name, bytes))?;
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
        // Directory and pickle, or header, are where lengths and offsets stand. A checksum of 0
        // is none, so that changes of the pickle get through to its parser.
        let mut open = good.clone();
        for at in 0..open.len() - 20 {
            if open[at..].starts_with(b"PK\x01\x02") {
                open[at + 16..at + 20].fill(0);
            }
        }
        for _ in 0..rounds {
            let mut bytes = open.clone();
            for _ in 0..rng.random_range(1..4) {
                let near = rng.random_range(0..3000.min(bytes.len()));
                let from_end = rng.random::<bool>() && name.ends_with("pt");
                let at = if from_end {
                    bytes.len() - 1 - near
                } else {
                    near
                };
                bytes[at] = rng.random();
            }
            let _ = attempt(&bytes); // a changed name or value may well be read
        }
    }
}

#[test]
fn a_file_that_does_not_exist_or_is_a_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let error = WeightFile::open(folder.path()).unwrap_err();
    assert!(matches!(error, InteropError::Format { .. }), "{error}");
    let error = WeightFile::open(&folder.path().join("none.pt")).unwrap_err();
    assert!(error.to_string().contains("cannot read"), "{error}");
}
