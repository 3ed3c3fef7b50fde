//! Bad input gets one clear error: what, where, and what to do. Tables: what is changed, and what
//! the message must hold.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use common::{Sandbox, digits, failed, fails, json, read_json, stdout, succeeds};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};
use serde_json::{Value, json};

/// Exit status and arguments | parts of the message.
const INVALID: &str = "
    2 train cnnn | unknown recipe `cnnn` | did you mean `cnn`
    2 train cnn --set training.epohcs=3 | `epohcs` | did you mean `epochs`
    2 train cnn --set training.schedule.peak=nan | training.schedule.peak is NaN
    2 train cnn --set training.schedule.peak=-1 | training.schedule.peak is -1
    2 train cnn --set nonsense | key=value
    2 train cnn --set model.blocks.0.kernel=99 | blocks[0] | 99×99 kernel does not fit
    2 train cnn --set model.hidden=[1000000000000] | more than
    2 train cnn --epochs 0 | training.epochs is 0
    2 train cnn --epochs many | --epochs | many
    2 train cnn --threads 100000 | --threads
    2 train mlp-small --data drawn:0 | drawn:N
    2 train mlp-small --data drawn:x | drawn:N
    2 train mlp-small --data drawn:9999999 | drawn:N
    1 train --config no/such.toml | cannot read no/such.toml
    1 evaluate no/such/run | no/such/run is not a run folder
    1 evaluate pretrained/rnn | pretrained/rnn | pretrained/cnn, pretrained/mlp
    2 data draw | <DIR>
    2 data draw x --train 0 | --train
    1 playground --port 0 --run no-such-folder | no-such-folder
    2 playground --host example.org | --host
    1 evaluate pretrained/cnn --backend rocm | this build has no rocm backend | just backend=rocm
    2 export pretrained/cnn --to x.bin | FILE.safetensors, which PyTorch reads
    2 export pretrained/cnn --to x.onnx --script | go with FILE.safetensors
    2 export pretrained/cnn --to x.onnx --dtype f16 | go with FILE.safetensors
    1 export no/such/run --to x.safetensors | is not a run folder
    1 import no-such.pt | cannot read
    1 import WEIGHTS --config missing.toml | cannot read missing.toml
    1 import WEIGHTS --config no/such/recipe | cannot read no/such/recipe
    2 import WEIGHTS | --model RECIPE
    2 import WEIGHTS --model cn | did you mean `cnn`
    1 import WEIGHTS --model cnn | [4, 1, 3, 3] for features.0.weight [16, 1, 5, 5]
    2 import WEIGHTS --model cnn --normalize 0.1,0 | cannot be normalized
    2 import WEIGHTS --model cnn --normalize 0.1,-1 | cannot be normalized
    2 import WEIGHTS --model cnn --normalize nan,1 | cannot be normalized
    2 import WEIGHTS --model cnn --normalize 0.1,inf | cannot be normalized
    2 import WEIGHTS --model cnn --normalize 0.5,1e-45 | cannot be normalized";

/// The weights of a small CNN, as PyTorch wrote them.
const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../interop/tests/pytorch/state-dict.pt"
);

#[test]
fn invalid_arguments_are_named() {
    for case in INVALID.trim().lines() {
        let parts: Vec<&str> = case.trim().split(" | ").collect();
        let (status, args) = parts[0].split_once(' ').unwrap();
        let args = args.replace("WEIGHTS", WEIGHTS);
        fails(status.parse().unwrap(), &args, &parts[1..]);
    }
}

#[test]
fn damaged_data_is_named() {
    let sandbox = Sandbox::new(100);
    let train = sandbox.training("mlp-small", "run", "");
    let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let good = |name: &str| fs::read(sandbox.path("bars").join(name)).unwrap();
    let (good_images, good_labels) = (good(images), good(labels));
    let mut too_many = good_labels.clone();
    too_many[7] = 99;
    too_many.pop();
    for (file, bytes, parts) in [
        (images, &good_images[..5000], ["promises 78400 bytes", ""]),
        (images, b"", ["empty", ""]),
        (images, b"<!DOCTYPE html><p>Not found", ["web page", ""]),
        (images, &[0x1f, 0x8b, 8, 0, 1, 2], ["gzip", ""]),
        (images, &good_labels, ["magic number", "it holds labels"]),
        (labels, &too_many, ["99 labels for the 100 images", ""]),
    ] {
        let path = sandbox.path("bars").join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        fails(1, &train, &[&parts[..], &[file]].concat());
        assert!(!sandbox.path("run/run.json").exists());
        fs::write(&path, before).unwrap();
    }
    let missing = "t10k-labels-idx1-ubyte";
    fs::remove_file(sandbox.path("bars").join(missing)).unwrap();
    fails(1, &train, &[missing]);
    fs::remove_dir_all(sandbox.path("bars")).unwrap();
    fails(1, &train, &["unknown data set", "bars"]);
}

/// A dark bar on white paper, as the bars' class 4 looks.
fn bar() -> GrayImage {
    GrayImage::from_fn(90, 140, |x, y| {
        let inside = (36..54).contains(&x) && (28..112).contains(&y);
        Luma([if inside { 20 } else { 240 }])
    })
}

#[test]
fn pictures_of_every_kind_are_read_and_bad_ones_are_named() {
    let sandbox = Sandbox::new(200);
    stdout(&sandbox.training("mlp-small", "run", ""));
    let run = sandbox.at("run");
    let gray = DynamicImage::from(bar());
    let mut light_on_dark = gray.clone();
    light_on_dark.invert();
    let clear = RgbaImage::from_fn(90, 140, |x, y| {
        let ink = bar().get_pixel(x, y).0[0] < 100;
        Rgba([0, 0, 0, if ink { 255 } else { 0 }])
    });
    fs::create_dir(sandbox.path("good")).unwrap();
    for (name, picture) in [
        ("gray.png", &gray),
        ("photo.jpg", &gray),
        ("paint.bmp", &gray.to_rgb8().into()),
        ("deep.png", &gray.to_luma16().into()),
        ("plain.pgm", &gray),
        ("light-on-dark.png", &light_on_dark),
        ("transparent.png", &clear.into()),
    ] {
        picture.save(sandbox.path("good").join(name)).unwrap();
    }
    fs::write(sandbox.path("good/notes.txt"), "not looked at").unwrap();
    let (good, prepared) = (sandbox.at("good"), sandbox.at("prepared"));
    let line = format!("predict --run {run} --json --save-prepared {prepared} {good}");
    let answers = json(&line);
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 7);
    for answer in answers {
        assert_eq!(answer["label"], answers[0]["label"], "{answer}");
        let top = answer["top"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        assert_eq!(answer["probability"], top[0]["probability"]);
        assert!(answer["image"].as_str().unwrap().contains("good"));
    }
    let seen = image::open(sandbox.path("prepared/000-deep.png")).unwrap();
    assert_eq!(seen.to_luma8().dimensions(), (28, 28));

    let png = |picture: &GrayImage| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let whole = png(&bar());
    let blank = |side: u32, gray: u8| png(&GrayImage::from_pixel(side, side, Luma([gray])));
    let mut bomb = whole.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]); // claims 20000×20000
    for (name, bytes, part) in [
        ("empty.png", &b""[..], "empty"),
        ("text.png", b"hello, this is not a picture", "not a picture"),
        ("cut.png", &whole[..whole.len() / 2], "not a picture"),
        ("bomb.png", &bomb, ""),
        ("bomb.pgm", b"P5 20000 20000 255\n", "too large"),
        ("none.pgm", b"P5 0 0 255\n", ""),
        ("one.png", &blank(1, 0), "blank"),
        ("blank.png", &blank(40, 255), "blank"),
    ] {
        fs::write(sandbox.path(name), bytes).unwrap();
        let line = format!("predict --run {run} {}", sandbox.at(name));
        fails(1, &line, &[name, part]);
    }
    let line = format!("predict --run {run} no-such.png");
    fails(1, &line, &["no-such.png"]);
}

/// A file of the smallest network with a `weight` and a `bias` in one layer, its header changed.
fn safetensors(values: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut header = json!({
        "classifier.0.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]},
        "classifier.0.bias": {"dtype": "F32", "shape": [2], "data_offsets": [32, 40]},
    });
    change(&mut header);
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), values].concat()
}

/// The crate that reads them tests every way in which they can be damaged; here are some as a
/// person meets them: exit status 1, one message, and no folder of a run.
#[test]
fn files_of_weights_that_are_damaged_or_lie_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let network = "[model]\nkind = \"mlp\"\nhidden = []\n\
                   input = { height = 2, width = 2, classes = 2 }\n";
    fs::write(at("network.toml"), network).unwrap();
    let import = |name: &str, part: Option<&str>| {
        let [file, run, config] = [name, "run", "network.toml"].map(at);
        let line = format!("import {file} --run {run} --config {config} --normalize 0,1");
        let Some(part) = part else {
            stdout(&line);
            return fs::remove_dir_all(run).unwrap();
        };
        fails(1, &line, &[part]);
        assert!(!Path::new(&run).exists(), "{part}: a folder is left");
    };
    let whole = safetensors(&[1; 40], |_| ());
    // Numbers of 64 bits beyond those of 32.
    let doubles = [1e300; 9].into_iter().flat_map(f64::to_le_bytes);
    let wide = safetensors(&doubles.collect::<Vec<u8>>(), |header| {
        header["classifier.0.bias"]["data_offsets"] = json!([0, 8]);
        header["classifier.0.weight"] =
            json!({"dtype": "F64", "shape": [2, 4], "data_offsets": [8, 72]});
    });
    let odd = safetensors(&[1; 40], |header| {
        header["classifier.0.weight"]["dtype"] = json!("F33");
    });
    for (name, bytes, part) in [
        ("x.safetensors", &whole[..], None),
        ("x.safetensors", &wide, Some("8 of 8 values")),
        ("x.safetensors", b"", Some("whole .safetensors file")),
        (
            "x.safetensors",
            &whole[..40],
            Some("whole .safetensors file"),
        ),
        ("x.safetensors", &odd, Some("cannot be read")),
        (
            "x.pt",
            b"",
            Some("neither a .safetensors file nor one that torch.save wrote"),
        ),
    ] {
        fs::write(at(name), bytes).unwrap();
        import(name, part);
    }
    for name in ["x.safetensors", "x.pt"] {
        let file = File::create(at(name)).unwrap();
        file.set_len((1 << 30) + (1 << 20)).unwrap(); // sparse: it takes no room on the disk
        import(name, Some("it has 1025 MiB"));
    }
}

#[test]
fn what_a_file_of_weights_says_of_itself_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let model =
        json!({"kind": "mlp", "hidden": [], "input": {"height": 2, "width": 2, "classes": 2}});
    // In a folder of its own, without --run: the name becomes part of a path.
    let import = |normalization: &str| {
        let bytes = safetensors(&[1; 40], |header| {
            header["__metadata__"] = json!({"model": model.to_string(), "recipe": "../../escape",
                "normalization": normalization, "dataset": "\u{1b}[2Jmine"});
        });
        fs::write(folder.path().join("x.safetensors"), bytes).unwrap();
        let mut command = digits("import ../x.safetensors");
        command.current_dir(&inside);
        command
    };
    let refused = import(r#"{"mean":0.1,"std":0}"#).output().unwrap();
    failed(&refused, 1, &["`normalization`"]);
    assert!(!inside.join("artifacts").exists());
    let (said, _) = succeeds(&mut import(r#"{"mean":0.1,"std":0.3}"#));
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let record = read_json(&inside.join("artifacts/imported-1/run.json"));
    assert_eq!(record["recipe"], "imported");
    assert_eq!(record["dataset"]["name"], "\u{fffd}[2Jmine");
}
