//! What the Draw part is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use burn::tensor::Device;
use common::{app, close, fixture, get, json, numbers, one, pgm, picture, post, refused};
use digits_data::prepare::prepare;
use digits_data::{ImageShape, Perturbation};
use digits_train::{RunFolder, predict};
use serde_json::json as document;

#[test]
fn answers_are_those_of_digits_predict() {
    let app = app();
    let answer = json(&picture(&app, "/api/look", "", one()));
    assert_eq!(answer["blank"], false);
    let prepared = prepare("one", &one(), ImageShape::MNIST).unwrap();
    assert_eq!(answer["pixels"], document!(prepared.pixels));
    for (number, kind) in ["mlp", "cnn"].into_iter().enumerate() {
        let run = RunFolder::new(fixture().artifacts.join(format!("small-{kind}")))
            .load(&Device::flex())
            .unwrap();
        let expected = predict(
            &run,
            std::slice::from_ref(&prepared.pixels),
            &Device::flex(),
        )
        .unwrap();
        let found = &answer["answers"][number];
        assert_eq!(found["label"], expected[0].label);
        let probabilities = numbers(&found["probabilities"]);
        assert_eq!(probabilities.len(), 10);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let winner = probabilities[usize::from(expected[0].label)];
        assert!(close(winner, expected[0].probability));
    }
}

#[test]
fn a_blank_canvas_has_no_answers() {
    let app = app();
    for blank in [pgm(50, 50, &[0; 2500]), pgm(50, 50, &[255; 2500])] {
        let answer = json(&picture(&app, "/api/look", "", blank.clone()));
        assert_eq!(answer["blank"], true);
        assert_eq!(answer["answers"], document!([]));
        assert_eq!(
            json(&picture(&app, "/api/inside", "", blank.clone())),
            document!([])
        );
        assert_eq!(
            json(&picture(&app, "/api/limits", "", blank)),
            document!([])
        );
    }
}

#[test]
fn the_sliders_move_what_the_networks_see() {
    let app = app();
    let prepared = prepare("one", &one(), ImageShape::MNIST).unwrap();
    let query = "&right=3&down=-2&rotation=30&scale=0.8&noise=0.1&seed=5";
    let answer = json(&picture(&app, "/api/look", query, one()));
    let expected = Perturbation {
        right: 3.0,
        down: -2.0,
        rotation: 30.0,
        scale: 0.8,
        noise: 0.1,
        seed: 5,
    }
    .apply(ImageShape::MNIST, &prepared.pixels);
    assert_eq!(answer["pixels"], document!(expected));
    let message = refused(&picture(&app, "/api/look", "&scale=0", one()), 400);
    assert!(message.contains("scale"), "{message}");
    refused(&picture(&app, "/api/look", "&noise=NaN", one()), 400);
    refused(&picture(&app, "/api/look", "&right=a", one()), 400);
}

#[test]
fn limits_agree_with_single_answers() {
    let app = app();
    let sliders = json(&picture(&app, "/api/limits", "", one()));
    assert_eq!(sliders.as_array().unwrap().len(), 5);
    for slider in sliders.as_array().unwrap() {
        let by = slider["by"].as_str().unwrap();
        for place in [0, 7, 24] {
            let value = &slider["values"][place];
            let answer = json(&picture(
                &app,
                "/api/look",
                &format!("&{by}={value}"),
                one(),
            ));
            for network in 0..2 {
                let label = &slider["labels"][network][place];
                let holds = *label == slider["references"][network];
                assert_eq!(slider["holds"][network][place], holds);
                assert_eq!(
                    slider["labels"][network][place], answer["answers"][network]["label"],
                    "{by} {value}"
                );
            }
        }
    }
}

#[test]
fn saliency_is_the_slope_of_the_winning_score() {
    let app = app();
    // No two neighbors are equal: max-pooling has no ties, where a slope would not be defined.
    let pixels: Vec<u8> = (0..784_u32)
        .map(|at| {
            (at.wrapping_mul(2_654_435_761) >> 25) as u8 + if at % 28 == 14 { 120 } else { 0 }
        })
        .collect();
    let inside = json(&picture(
        &app,
        "/api/inside",
        "&as=is",
        pgm(28, 28, &pixels),
    ));
    for (number, kind) in ["mlp", "cnn"].into_iter().enumerate() {
        let run = RunFolder::new(fixture().artifacts.join(format!("small-{kind}")))
            .load(&Device::flex())
            .unwrap();
        let shown = numbers(&inside[number]["saliency"]);
        let largest = inside[number]["largest"].as_f64().unwrap();
        let label = inside[number]["label"].as_u64().unwrap() as usize;
        // A small step along the gradient raises the score by step · |gradient|².
        let base = digits_train::normalized(&run, std::slice::from_ref(&pixels)).unwrap();
        let score = |step: f64| {
            let pixels: Vec<f32> = base
                .iter()
                .zip(&shown)
                .map(|(x, g)| x + (step * g * largest) as f32)
                .collect();
            let data = burn::tensor::TensorData::new(pixels, [1, 1, 28, 28]);
            let images = burn::tensor::Tensor::<4>::from_data(data, &Device::flex());
            f64::from(run.model.forward(images).try_into_vec_as::<f32>().unwrap()[label])
        };
        let squared: f64 = shown.iter().map(|g| (g * largest).powi(2)).sum();
        let step = 1e-3 / squared.sqrt();
        let slope = (score(step) - score(-step)) / (2.0 * step);
        assert!(largest > 0.0);
        assert!(
            (slope / squared - 1.0).abs() < 0.05,
            "{kind}: {slope} {squared}"
        );
    }
    assert_eq!(
        (&inside[1]["height"], &inside[1]["width"]),
        (&document!(28), &document!(28))
    );
    assert_eq!(inside[0]["blocks"], document!([]));
    let block = &inside[1]["blocks"][0];
    let size = ["channels", "height", "width"].map(|key| block[key].as_u64().unwrap());
    assert_eq!(
        block["values"].as_array().unwrap().len() as u64,
        size.iter().product::<u64>()
    );
}

#[test]
fn networks_of_other_sizes_and_classes_are_shown_with_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (data, artifacts) = (folder.path().join("data"), folder.path().join("runs"));
    common::other_data(&data);
    common::small_run("mlp", 1, &data, &artifacts.join("other"));
    let app = common::app_on(&artifacts);
    let ask = |path: &str| {
        let path = format!("/api/{path}?first=pretrained/cnn&second=run:other");
        json(&post(&app, &path, "application/octet-stream", one()))
    };
    let inside = ask("inside");
    for (number, size) in [(0, (28, 28)), (1, (12, 20))] {
        let one = &inside[number];
        assert_eq!(
            (one["height"].as_u64(), one["width"].as_u64()),
            (Some(size.0), Some(size.1))
        );
        let saliency = one["saliency"].as_array().unwrap();
        assert_eq!(saliency.len() as u64, size.0 * size.1);
    }
    let look = ask("look");
    assert_eq!(numbers(&look["answers"][0]["probabilities"]).len(), 10);
    assert_eq!(numbers(&look["answers"][1]["probabilities"]).len(), 3);
    let networks = json(&get(&app, "/api/networks"));
    let other = networks
        .as_array()
        .unwrap()
        .iter()
        .find(|n| n["id"] == "run:other");
    assert_eq!(other.unwrap()["classes"], 3);
}

#[test]
fn feature_maps_are_shown_as_the_square_root_of_their_values() {
    let app = app();
    let inside = json(&picture(&app, "/api/inside", "", one()));
    let run = RunFolder::new(fixture().artifacts.join("small-cnn"))
        .load(&Device::flex())
        .unwrap();
    let digits_models::Model::Cnn(cnn) = &run.model else {
        panic!("a CNN")
    };
    let prepared = prepare("one", &one(), ImageShape::MNIST).unwrap();
    let input = digits_train::normalized(&run, &[prepared.pixels]).unwrap();
    let data = burn::tensor::TensorData::new(input, [1, 1, 28, 28]);
    let maps = cnn.feature_maps(burn::tensor::Tensor::from_data(data, &Device::flex()));
    for (at, map) in maps.into_iter().enumerate() {
        let values = map.try_into_vec_as::<f32>().unwrap();
        let largest = values.iter().copied().fold(0.0, f32::max);
        let expected: Vec<u8> = values
            .iter()
            .map(|v| (255.0 * (v / largest).max(0.0).sqrt()).round() as u8)
            .collect();
        let found = numbers(&inside[1]["blocks"][at]["values"]);
        assert!(
            found
                .iter()
                .zip(&expected)
                .all(|(a, &b)| (a - f64::from(b)).abs() <= 1.0),
            "block {at}"
        );
    }
}

#[test]
fn test_digits_come_with_their_label_and_disputed_ones_are_disputed() {
    let app = app();
    let digit = json(&get(&app, "/api/digit?index=307"));
    assert_eq!(
        (&digit["index"], &digit["count"]),
        (&document!(7), &document!(300))
    );
    let query = "first=run:small-mlp&second=run:small-cnn&wrong=one&index=3";
    let digit = json(&get(&app, &format!("/api/digit?{query}")));
    let pixels: Vec<u8> = numbers(&digit["pixels"]).iter().map(|&p| p as u8).collect();
    let answer = json(&picture(&app, "/api/look", "&as=is", pgm(28, 28, &pixels)));
    assert_eq!(answer["pixels"], digit["pixels"]);
    let right = [0, 1].map(|n| answer["answers"][n]["label"] == digit["label"]);
    assert_ne!(right[0], right[1]);
}

#[test]
fn what_is_no_picture_or_too_large_is_refused() {
    let app = app();
    for (body, part) in [
        (Vec::new(), "empty"),
        (b"<html>".to_vec(), "picture"),
        (b"P5\n5000 10\n255\n".to_vec(), "5000×10"),
        (b"P5\n1024 1024\n255\n".to_vec(), "picture"),
        (pgm(0, 0, &[]), ""),
    ] {
        for path in ["/api/look", "/api/inside", "/api/limits"] {
            let message = refused(&picture(&app, path, "", body.clone()), 400);
            assert!(message.contains(part), "{message}");
        }
    }
    let message = refused(
        &picture(&app, "/api/look", "&as=is", pgm(5, 5, &[9; 25])),
        400,
    );
    assert!(message.contains("5×5"), "{message}");
    refused(
        &post(&app, "/api/look", "application/octet-stream", one()),
        400,
    );
}
