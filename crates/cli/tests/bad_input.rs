//! Bad input gets one clear error: what, where, and what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{bars, digits, fails, json, run, stderr, stdout, training};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};

#[test]
fn settings_that_make_no_sense_are_usage_errors() {
    for (args, parts) in [
        (
            vec!["train", "cnnn"],
            vec!["unknown recipe `cnnn`", "did you mean `cnn`"],
        ),
        (
            vec!["train", "cnn", "--set", "training.epohcs=3"],
            vec!["`epohcs`", "did you mean `epochs`"],
        ),
        (
            vec!["train", "cnn", "--set", "training.schedule.peak=nan"],
            vec!["training.schedule.peak is NaN"],
        ),
        (
            vec!["train", "cnn", "--set", "training.schedule.peak=-1"],
            vec!["training.schedule.peak is -1"],
        ),
        (vec!["train", "cnn", "--set", "nonsense"], vec!["key=value"]),
        (
            vec!["train", "cnn", "--epochs", "0"],
            vec!["training.epochs is 0"],
        ),
        (
            vec!["train", "cnn", "--set", "model.blocks.0.kernel=99"],
            vec!["blocks[0]", "99×99 kernel does not fit"],
        ),
        (
            vec!["train", "cnn", "--set", "model.hidden=[1000000000000]"],
            vec!["more than"],
        ),
        (
            vec!["train", "cnn", "--threads", "100000"],
            vec!["--threads"],
        ),
    ] {
        fails(2, &args, &parts);
    }
    assert_eq!(
        run(["train", "cnn", "--epochs", "many"]).status.code(),
        Some(2)
    );
    fails(
        1,
        ["train", "--config", "no/such.toml"],
        &["cannot read no/such.toml"],
    );
}

#[test]
fn a_backend_that_is_not_in_the_build_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 100, 10);
    let mut args = training(&data, &folder.path().join("run"));
    args.extend(["--backend", "rocm"].map(str::to_owned));
    fails(
        1,
        args,
        &["this build has no rocm backend", "just backend=rocm"],
    );
}

#[test]
fn damaged_data_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    let run = folder.path().join("run");
    let images = data.join("train-images-idx3-ubyte");
    let labels = data.join("train-labels-idx1-ubyte");
    let refused = |change: &dyn Fn(), parts: &[&str]| {
        bars(&data, 100, 10);
        change();
        fails(1, training(&data, &run), parts);
        assert!(!run.join("run.json").exists());
    };
    let read = |path: &Path| fs::read(path).unwrap();
    refused(
        &|| fs::write(&images, &read(&images)[..5000]).unwrap(),
        &["train-images", "promises 78400 bytes"],
    );
    refused(
        &|| fs::write(&images, b"").unwrap(),
        &["train-images", "empty"],
    );
    refused(
        &|| fs::write(&images, b"<!DOCTYPE html><p>Not found").unwrap(),
        &["train-images", "web page"],
    );
    refused(
        &|| fs::write(&images, [0x1f, 0x8b, 8, 0, 1, 2]).unwrap(),
        &["train-images", "gzip"],
    );
    refused(
        &|| fs::write(&images, read(&labels)).unwrap(),
        &["train-images", "magic number", "it holds labels"],
    );
    refused(
        &|| {
            let mut bytes = read(&labels);
            bytes[7] = 99;
            bytes.pop();
            fs::write(&labels, bytes).unwrap();
        },
        &["train-labels", "99 labels for the 100 images"],
    );
    refused(
        &|| fs::remove_file(data.join("t10k-labels-idx1-ubyte")).unwrap(),
        &["t10k-labels-idx1-ubyte"],
    );
    fails(
        1,
        training(&folder.path().join("nothing"), &run),
        &["unknown data set", "nothing"],
    );
}

/// The program with an empty home and no network.
fn alone(folder: &Path) -> std::process::Command {
    let mut command = digits();
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

#[test]
fn mnist_that_is_not_to_be_had_is_an_error_with_three_ways_out() {
    let folder = tempfile::tempdir().unwrap();
    let output = alone(folder.path())
        .args(["train", "cnn", "--data", "mnist", "--offline"])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for way in ["digits data fetch", "digits data import DIR", "--data DIR"] {
        assert!(said.contains(way), "{said}");
    }
}

#[test]
fn without_network_and_data_the_drawn_digits_stand_in_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let output = alone(folder.path())
        .args([
            "train",
            "mlp-small",
            "--epochs",
            "1",
            "--offline",
            "--quiet",
            "--json",
        ])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(
        output.status.success() && said.contains("draws itself"),
        "{said}"
    );
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["dataset"], "drawn");
    assert!(
        summary["test_accuracy"].as_f64().unwrap() > 0.7,
        "{summary}"
    );
    // The run knows its data: it evaluates to the same without being told.
    let output = alone(folder.path())
        .args(["evaluate", "--offline", "--json"])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["dataset"], &report["accuracy"]),
        (&summary["dataset"], &summary["test_accuracy"])
    );
}

#[test]
fn drawn_digits_are_written_as_a_data_set_that_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("drawn");
    let sheet = folder.path().join("sheet.png").display().to_string();
    let data = data.display().to_string();
    stdout([
        "data", "draw", &data, "--train", "300", "--test", "50", "--sheet", &sheet,
    ]);
    assert_eq!(
        image::open(&sheet).unwrap().to_luma8().dimensions(),
        (560, 280)
    );
    stdout(training(Path::new(&data), &folder.path().join("run")));
    fails(2, ["data", "draw", &data, "--train", "0"], &["--train"]);
}

fn picture(path: &Path, image: &DynamicImage) {
    image.save(path).unwrap();
}

/// A dark bar on white paper, as the bars' class 4 looks.
fn bar(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let inside = (width * 2 / 5..width * 3 / 5).contains(&x)
            && (height / 5..height * 4 / 5).contains(&y);
        Luma([if inside { 20 } else { 240 }])
    })
}

#[test]
fn pictures_of_every_kind_are_read_and_bad_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let data = at("bars");
    bars(&data, 200, 40);
    stdout(training(&data, &at("run")));
    let run_folder = at("run").display().to_string();

    let good = at("good");
    fs::create_dir(&good).unwrap();
    let gray = bar(90, 140);
    picture(
        &good.join("gray.png"),
        &DynamicImage::ImageLuma8(gray.clone()),
    );
    picture(
        &good.join("photo.jpg"),
        &DynamicImage::ImageLuma8(gray.clone()),
    );
    picture(
        &good.join("paint.bmp"),
        &DynamicImage::ImageRgb8(DynamicImage::ImageLuma8(gray.clone()).to_rgb8()),
    );
    picture(
        &good.join("deep.png"),
        &DynamicImage::ImageLuma16(DynamicImage::ImageLuma8(gray.clone()).to_luma16()),
    );
    picture(
        &good.join("plain.pgm"),
        &DynamicImage::ImageLuma8(gray.clone()),
    );
    let mut inverted = DynamicImage::ImageLuma8(gray.clone());
    inverted.invert();
    picture(&good.join("light-on-dark.png"), &inverted);
    let clear = RgbaImage::from_fn(90, 140, |x, y| {
        Rgba([
            0,
            0,
            0,
            if gray.get_pixel(x, y).0[0] < 100 {
                255
            } else {
                0
            },
        ])
    });
    picture(
        &good.join("transparent.png"),
        &DynamicImage::ImageRgba8(clear),
    );
    fs::write(good.join("notes.txt"), "not a picture, and not looked at").unwrap();

    let prepared = at("prepared");
    let answers = json([
        "predict",
        "--run",
        &run_folder,
        "--json",
        "--save-prepared",
        &prepared.display().to_string(),
        &good.display().to_string(),
    ]);
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 7);
    for answer in answers {
        assert_eq!(answer["label"], answers[0]["label"], "{answer}");
        let top = answer["top"].as_array().unwrap();
        assert_eq!(top.len(), 3);
        assert_eq!(answer["probability"], top[0]["probability"]);
        assert!(answer["image"].as_str().unwrap().contains("good"));
    }
    let seen = image::open(prepared.join("000-deep.png"))
        .unwrap()
        .to_luma8();
    assert_eq!(seen.dimensions(), (28, 28));

    let mut png = Vec::new();
    gray.write_to(&mut std::io::Cursor::new(&mut png), ImageFormat::Png)
        .unwrap();
    let refused = |name: &str, bytes: &[u8], parts: &[&str]| {
        fs::write(at(name), bytes).unwrap();
        let path = at(name).display().to_string();
        fails(
            1,
            ["predict", "--run", &run_folder, &path],
            &[parts, &[name]].concat(),
        );
    };
    refused("empty.png", b"", &["empty"]);
    refused(
        "text.png",
        b"hello, this is not a picture",
        &["not a picture"],
    );
    refused("cut.png", &png[..png.len() / 2], &["not a picture"]);
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]); // claims 20000×20000
    refused("bomb.png", &bomb, &["bomb.png"]);
    refused("bomb.pgm", b"P5 20000 20000 255\n", &["too large"]);
    refused("none.pgm", b"P5 0 0 255\n", &["none.pgm"]);
    let one = DynamicImage::ImageLuma8(GrayImage::from_pixel(1, 1, Luma([0])));
    picture(&at("one.png"), &one);
    fails(
        1,
        [
            "predict",
            "--run",
            &run_folder,
            &at("one.png").display().to_string(),
        ],
        &["blank"],
    );
    picture(
        &at("blank.png"),
        &DynamicImage::ImageLuma8(GrayImage::from_pixel(40, 40, Luma([255]))),
    );
    fails(
        1,
        [
            "predict",
            "--run",
            &run_folder,
            &at("blank.png").display().to_string(),
        ],
        &["blank"],
    );
    fails(
        1,
        ["predict", "--run", &run_folder, "no-such.png"],
        &["no-such.png"],
    );
}
