//! What the Draw part is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{
    PICTURE, app, app_on, close, get, json, list, loaded, numbers, one, other_data, pgm, picture,
    post, refused, small_run,
};
use digits_data::prepare::{Bounds, prepare};
use digits_data::{ImageShape, Perturbation};
use digits_models::Model;
use digits_train::{normalized, predict};
use serde_json::json as document;

/// [`one`] as the networks see it.
fn prepared() -> Vec<u8> {
    let prepared = prepare("one", &one(), ImageShape::MNIST, Bounds::FILE);
    prepared.unwrap().pixels
}

#[test]
fn answers_are_those_of_digits_predict() {
    let answer = json(&picture(&app(), "/api/look", "", one()));
    assert_eq!(answer["blank"], false);
    assert_eq!(answer["pixels"], document!(prepared()));
    for (found, kind) in list(&answer["answers"]).iter().zip(["mlp", "cnn"]) {
        let expected = &predict(&loaded(kind), &[prepared()], &Device::flex()).unwrap()[0];
        assert_eq!(found["label"], expected.label);
        let probabilities = numbers(&found["probabilities"]);
        assert_eq!(probabilities.len(), 10);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let winning = probabilities[usize::from(expected.label)];
        assert!(close(winning, expected.probability));
    }
}

#[test]
fn a_blank_canvas_has_no_answers() {
    let app = app();
    for shade in [0, 255] {
        let ask = |path: &str| json(&picture(&app, path, "", pgm(50, 50, &[shade; 2500])));
        let look = ask("/api/look");
        assert_eq!(look["blank"], true);
        assert_eq!(look["answers"], document!([]));
        assert_eq!(ask("/api/inside"), document!([]));
        assert_eq!(ask("/api/limits"), document!([]));
    }
}

#[test]
fn the_sliders_move_what_the_networks_see() {
    let app = app();
    let query = "&right=3&down=-2&rotation=30&scale=0.8&noise=0.1&seed=5";
    let answer = json(&picture(&app, "/api/look", query, one()));
    let perturbation = Perturbation {
        right: 3.0,
        down: -2.0,
        rotation: 30.0,
        scale: 0.8,
        noise: 0.1,
        seed: 5,
    };
    let expected = perturbation.apply(ImageShape::MNIST, &prepared());
    assert_eq!(answer["pixels"], document!(expected));
    for (query, part) in [
        ("&scale=0", "scale"),
        ("&noise=NaN", "noise"),
        ("&right=a", "right"),
    ] {
        let message = refused(&picture(&app, "/api/look", query, one()), 400);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn limits_agree_with_single_answers() {
    let app = app();
    let sliders = json(&picture(&app, "/api/limits", "", one()));
    assert_eq!(list(&sliders).len(), 5);
    for slider in list(&sliders) {
        let by = slider["by"].as_str().unwrap();
        for place in [0, 7, 24] {
            let query = format!("&{by}={}", slider["values"][place]);
            let answer = json(&picture(&app, "/api/look", &query, one()));
            for network in 0..2 {
                let label = &slider["labels"][network][place];
                assert_eq!(*label, answer["answers"][network]["label"], "{query}");
                let holds = *label == slider["references"][network];
                assert_eq!(slider["holds"][network][place], holds);
            }
        }
    }
}

#[test]
fn saliency_is_the_slope_of_the_winning_score() {
    // No two neighbors are equal: max-pooling has no ties, where a slope would not be defined.
    let shade = |at: u32| (at.wrapping_mul(2_654_435_761) >> 25) as u8;
    let pixels: Vec<u8> = (0..784)
        .map(|at| shade(at) + if at % 28 == 14 { 120 } else { 0 })
        .collect();
    let body = pgm(28, 28, &pixels);
    let inside = json(&picture(&app(), "/api/inside", "&as=is", body));
    for (one, kind) in list(&inside).iter().zip(["mlp", "cnn"]) {
        assert_eq!([&one["height"], &one["width"]], [28, 28]);
        let run = loaded(kind);
        let largest = one["largest"].as_f64().unwrap();
        let mut gradient = numbers(&one["saliency"]);
        gradient.iter_mut().for_each(|g| *g *= largest);
        let label = one["label"].as_u64().unwrap() as usize;
        // A small step along the gradient raises the score by step · |gradient|².
        let base = normalized(&run, std::slice::from_ref(&pixels)).unwrap();
        let score = |step: f64| {
            let moved = base
                .iter()
                .zip(&gradient)
                .map(|(x, g)| x + (step * g) as f32);
            let data = TensorData::new(moved.collect(), [1, 1, 28, 28]);
            let logits = run.model.forward(Tensor::from_data(data, &Device::flex()));
            f64::from(logits.try_into_vec_as::<f32>().unwrap()[label])
        };
        let squared: f64 = gradient.iter().map(|g| g * g).sum();
        let step = 1e-3 / squared.sqrt();
        let slope = (score(step) - score(-step)) / (2.0 * step);
        assert!(largest > 0.0);
        assert!(
            (slope / squared - 1.0).abs() < 0.05,
            "{kind}: {slope} {squared}"
        );
    }
    assert_eq!(inside[0]["blocks"], document!([]));
}

#[test]
fn feature_maps_are_shown_as_the_square_root_of_their_values() {
    let inside = json(&picture(&app(), "/api/inside", "", one()));
    let run = loaded("cnn");
    let Model::Cnn(cnn) = &run.model else {
        panic!("a CNN")
    };
    let input = normalized(&run, &[prepared()]).unwrap();
    let data = TensorData::new(input, [1, 1, 28, 28]);
    let maps = cnn.feature_maps(Tensor::from_data(data, &Device::flex()));
    for (found, map) in list(&inside[1]["blocks"]).iter().zip(maps) {
        let size = ["channels", "height", "width"].map(|key| found[key].as_u64().unwrap());
        assert_eq!(size.map(|edge| edge as usize), map.dims()[1..]);
        let values = map.try_into_vec_as::<f32>().unwrap();
        let largest = values.iter().copied().fold(0.0, f32::max);
        let shown = numbers(&found["values"]);
        assert_eq!(shown.len(), values.len());
        for (found, value) in shown.iter().zip(&values) {
            let expected = (255.0 * (value / largest).max(0.0).sqrt()).round();
            let off = (found - f64::from(expected)).abs();
            assert!(off <= 1.0, "{found} {expected}");
        }
    }
}

#[test]
fn test_digits_come_with_their_label_and_disputed_ones_are_disputed() {
    let app = app();
    let digit = json(&get(&app, "/api/digit?index=307"));
    assert_eq!([&digit["index"], &digit["count"]], [7, 300]);
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
    let small = picture(&app, "/api/look", "&as=is", pgm(5, 5, &[9; 25]));
    let message = refused(&small, 400);
    assert!(message.contains("5×5"), "{message}");
    refused(&post(&app, "/api/look", PICTURE, one()), 400);
}

#[test]
fn a_network_of_another_size_is_asked_and_looked_into_in_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (data, artifacts) = (folder.path().join("data"), folder.path().join("runs"));
    other_data(&data);
    small_run("mlp", 1, &data, &artifacts.join("other"));
    let app = app_on(&artifacts);
    let ask = |path: &str| {
        let query = "first=pretrained/cnn&second=run:other";
        json(&post(&app, &format!("{path}?{query}"), PICTURE, one()))
    };
    let look = ask("/api/look");
    let classes = list(&look["answers"])
        .iter()
        .map(|of| numbers(&of["probabilities"]).len());
    assert_eq!(classes.collect::<Vec<_>>(), [10, 3]);
    let inside = ask("/api/inside");
    let sizes = [28 * 28, 12 * 20].map(|size| size as usize);
    for (of, size) in list(&inside).iter().zip(sizes) {
        assert_eq!(numbers(&of["saliency"]).len(), size);
    }
    assert_eq!(list(&ask("/api/limits")).len(), 5);
}
