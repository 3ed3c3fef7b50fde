//! What the page is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::{
    PICTURE, app, ask, close, fixture, get, json, list, loaded, numbers, one, options, pgm,
    picture, post, refused,
};
use digits_data::prepare::{Bounds, prepare};
use digits_data::{ImageShape, Perturbation};
use digits_models::Model;
use digits_playground::{App, Options};
use digits_train::{image_shape, normalized, predict};
use digits_verify::filter::{Geometry, Grid, Padding, correlate, sheet_filters, sheet_image};
use digits_verify::{Precision, Values, Worked, tolerance};
use serde_json::{Value, json as document};

/// [`one`] as a network of this input size sees it.
fn prepared(shape: ImageShape) -> Vec<u8> {
    prepare("one", &one(), shape, Bounds::FILE).unwrap().pixels
}

/// The same as the input of a network.
fn tensor(values: Vec<f32>) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, [1, 1, 28, 28]), &Device::flex())
}

#[test]
fn the_page_and_all_that_it_names_is_there_with_a_policy_against_inline_code() {
    let app = app();
    let page = get(&app, "/");
    let mut files = vec!["/".to_owned()];
    let mut next = 0;
    while next < files.len() {
        let file = get(&app, &files[next]);
        assert_eq!(file.status(), 200, "{}", files[next]);
        let text = std::str::from_utf8(file.body()).unwrap();
        let is_page = next == 0;
        let module = |line: &str| Some(line.split_once("from \"")?.1.split('"').next()?.to_owned());
        let named: Vec<String> = match is_page {
            true => text.split('"').map(str::to_owned).collect(),
            false => text.lines().filter_map(module).collect(),
        };
        for name in named {
            if name.starts_with('/') && !files.contains(&name) {
                files.push(name);
            }
        }
        next += 1;
    }
    assert!(files.len() > 11, "the modules import each other: {files:?}");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    for word in ["unsafe", "data:", "blob:", "*"] {
        assert!(!policy.contains(word), "{word}");
    }
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
}

#[test]
fn answers_are_those_of_digits_predict_for_networks_of_any_size_and_number_of_classes() {
    let app = app();
    for pair in [["mlp", "cnn"], ["cnn", "other"], ["other", "mlp"]] {
        let path = format!("/api/look?first=run:{}&second=run:{}", pair[0], pair[1]);
        let answer = json(&ask(&app, "POST", &path, PICTURE, &one()));
        assert_eq!(answer["blank"], false);
        let seen = pair.map(|name| prepared(image_shape(&loaded(name).config.model)));
        assert_eq!(answer["pixels"], document!(seen[0]));
        for ((found, name), seen) in list(&answer["answers"]).iter().zip(pair).zip(seen) {
            let run = loaded(name);
            let expected = &predict(&run, &[seen], &Device::flex()).unwrap()[0];
            assert_eq!(found["label"], expected.label);
            let probabilities = numbers(&found["probabilities"]);
            assert_eq!(probabilities.len(), run.config.model.input().classes);
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let winning = probabilities[usize::from(expected.label)];
            assert!(close(&[winning], &[expected.probability]));
        }
    }
}

#[test]
fn a_blank_canvas_has_no_answers_and_sliders_move_what_the_networks_see() {
    let app = app();
    for shade in [0, 255] {
        let ask = |path| json(&picture(&app, path, "", &pgm(50, 50, &[shade; 2500])));
        let look = ask("look");
        assert_eq!(
            [&look["blank"], &look["answers"]],
            [&document!(true), &document!([])]
        );
        assert_eq!(
            ["inside", "limits"].map(ask),
            [document!([]), document!([])]
        );
    }
    let query = "&right=3&down=-2&rotation=30&scale=0.8&noise=0.1&seed=5";
    let answer = json(&picture(&app, "look", query, &one()));
    let perturbation = Perturbation {
        right: 3.0,
        down: -2.0,
        rotation: 30.0,
        scale: 0.8,
        noise: 0.1,
        seed: 5,
    };
    let expected = perturbation.apply(ImageShape::MNIST, &prepared(ImageShape::MNIST));
    assert_eq!(answer["pixels"], document!(expected));
}

#[test]
fn limits_agree_with_single_answers() {
    let app = app();
    let sliders = json(&picture(&app, "limits", "", &one()));
    assert_eq!(list(&sliders).len(), 5);
    for slider in list(&sliders) {
        let by = slider["by"].as_str().unwrap();
        for place in [0, 7, 24] {
            let query = format!("&{by}={}", slider["values"][place]);
            let answer = json(&picture(&app, "look", &query, &one()));
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
    let stripe = |at: u32| if at % 28 == 14 { 120 } else { 0 };
    let pixels: Vec<u8> = (0..784).map(|at| shade(at) + stripe(at)).collect();
    let inside = json(&picture(&app(), "inside", "&as=is", &pgm(28, 28, &pixels)));
    for (one, kind) in list(&inside).iter().zip(["mlp", "cnn"]) {
        assert_eq!([&one["height"], &one["width"]], [28, 28]);
        let run = loaded(kind);
        let largest = one["largest"].as_f64().unwrap();
        assert!(largest > 0.0);
        let gradient: Vec<f64> = numbers(&one["saliency"])
            .iter()
            .map(|g| g * largest)
            .collect();
        let label = one["label"].as_u64().unwrap() as usize;
        // A small step along the gradient raises the score by step · |gradient|².
        let base = normalized(&run, std::slice::from_ref(&pixels)).unwrap();
        let score = |step: f64| {
            let moved = base
                .iter()
                .zip(&gradient)
                .map(|(x, g)| x + (step * g) as f32);
            let logits = run.model.forward(tensor(moved.collect()));
            f64::from(logits.try_into_vec_as::<f32>().unwrap()[label])
        };
        let squared: f64 = gradient.iter().map(|g| g * g).sum();
        let step = 1e-3 / squared.sqrt();
        let slope = (score(step) - score(-step)) / (2.0 * step);
        assert!(
            (slope / squared - 1.0).abs() < 0.05,
            "{kind}: {slope} {squared}"
        );
    }
    assert_eq!(inside[0]["blocks"], document!([]));
}

#[test]
fn feature_maps_are_shown_as_the_square_root_of_their_values() {
    let inside = json(&picture(&app(), "inside", "", &one()));
    let run = loaded("cnn");
    let Model::Cnn(cnn) = &run.model else {
        panic!("a CNN")
    };
    let maps = cnn.feature_maps(tensor(
        normalized(&run, &[prepared(ImageShape::MNIST)]).unwrap(),
    ));
    assert_eq!(list(&inside[1]["blocks"]).len(), maps.len());
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
    let path = "/api/digit?first=run:mlp&second=run:cnn&wrong=one&index=3";
    let digit = json(&get(&app, path));
    let pixels: Vec<u8> = numbers(&digit["pixels"]).iter().map(|&p| p as u8).collect();
    let answer = json(&picture(&app, "look", "&as=is", &pgm(28, 28, &pixels)));
    assert_eq!(answer["pixels"], digit["pixels"]);
    let right = [0, 1].map(|n| answer["answers"][n]["label"] == digit["label"]);
    assert_ne!(right[0], right[1]);
}

#[test]
fn every_window_of_the_sheet_image_has_its_products_and_the_sheets_result() {
    let app = app();
    for filter in sheet_filters() {
        let question = document!({
            "image": sheet_image(), "kernel": filter.kernel, "stride": 1, "padding": "valid"
        });
        let answer = json(&post(&app, "/api/window", &question));
        let expected = filter.apply(&sheet_image()).unwrap().to_f64();
        let sums = numbers(&answer["sums"]);
        assert_eq!(sums, expected.values());
        for (sum, terms) in sums.iter().zip(list(&answer["terms"])) {
            let products = list(terms).iter().map(|t| t["product"].as_f64().unwrap());
            assert_eq!(products.sum::<f64>(), *sum);
        }
    }
    let presets = json(&get(&app, "/api/filters"));
    assert_eq!(
        presets["images"][0]["rows"],
        document!(sheet_image().to_f64())
    );
    assert_eq!(presets["kernels"][2]["name"], "laplacian");
    // Origin of the window at this place; zeros before and behind the image.
    for (size, padding, place, origin, [before, behind]) in [
        (5, "same", 0, [-2, -2], [2, 2]),
        (2, "same", 0, [0, 0], [0, 1]),
        (5, "valid", 3, [1, 1], [0, 0]),
    ] {
        let [image, kernel] = [6, size].map(|size| vec![vec![1; size]; size]);
        let question =
            document!({"image": image, "kernel": kernel, "stride": 1, "padding": padding});
        let answer = json(&post(&app, "/api/window", &question));
        assert_eq!(answer["origins"][place], document!(origin));
        let margins = document!({"top": before, "bottom": behind, "left": before, "right": behind});
        assert_eq!(answer["margins"], margins);
        assert_eq!(answer["nearest"][0], 0);
        if (size, padding) == (5, "same") {
            assert_eq!(answer["nearest"], document!((0..36).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn a_kernel_on_a_picture_gives_the_loops_result() {
    let pixels: Vec<u8> = (0..30).map(|v| v * 8).collect();
    let path = "/api/filter?kernel=1+0+-1%3B2+0+-2%3B1+0+-1&padding=same&stride=2";
    let answer = ask(&app(), "POST", path, PICTURE, &pgm(6, 5, &pixels));
    assert_eq!(answer.status(), 200);
    let (words, _) = answer.body().as_chunks::<4>();
    assert_eq!([0, 1].map(|at| u32::from_le_bytes(words[at])), [3, 3]);
    let image = Grid::new(5, 6, pixels.iter().map(|&p| f64::from(p)).collect()).unwrap();
    let geometry = Geometry {
        stride: 2,
        padding: Padding::Same,
        ..Geometry::default()
    };
    let expected = correlate(&image, &sheet_filters()[0].kernel.to_f64(), geometry).unwrap();
    let ends = [f64::min, f64::max].map(|end| expected.values().iter().copied().reduce(end));
    let all = [&ends.map(Option::unwrap), expected.values()].concat();
    assert_eq!(words.len(), 2 + all.len());
    for (word, expected) in words[2..].iter().zip(all) {
        assert!((f64::from(f32::from_le_bytes(*word)) - expected).abs() < 1e-3);
    }
}

#[test]
fn backpropagation_is_the_worked_derivation_and_agrees_with_autodiff_until_it_has_learned() {
    let app = app();
    let values = json(&get(&app, "/api/backprop"));
    assert_eq!(values, document!(Values::default()));
    let worked = Worked::new(Values::default()).unwrap();
    let ask = |app: &App, steps: usize, until_learned: bool| {
        let question =
            document!({ "values": values, "steps": steps, "until_learned": until_learned });
        json(&post(app, "/api/backprop", &question))
    };
    let before = ask(&app, 0, false);
    let gradient = numbers(&before["worked"]["gradient"]);
    assert!(close(&gradient, &worked.gradient));
    assert!(before["difference"].as_f64().unwrap() <= tolerance::ANALYTIC_F64);
    assert_eq!(before["bits"], 64);
    let autodiff = numbers(&before["autodiff"]);
    for (at, difference) in numbers(&before["differences"]).into_iter().enumerate() {
        assert!((difference - (gradient[at] - autodiff[at]).abs()).abs() < 1e-16);
    }
    let after = ask(&app, 1, false);
    let rows = ["v", "w"].map(|layer| list(&after["worked"]["values"][layer]));
    let parameters: Vec<f64> = rows.concat().iter().flat_map(numbers).collect();
    assert!(close(&parameters, &worked.new));
    assert!(close(
        &numbers(&after["losses"][1])[1..],
        &[worked.loss_after]
    ));

    let learned = ask(&app, 20_000, true);
    assert_eq!(learned["learned"], true);
    assert!(learned["worked"]["loss"].as_f64().unwrap() < 1e-3);
    assert!(learned["steps"].as_u64().unwrap() < 20_000);
    assert!(list(&learned["losses"]).len() <= 402);

    // A device without 64-bit numbers is asked for 32-bit ones.
    let small = App::new(Options {
        precision: Precision::F32,
        ..options(&fixture().artifacts)
    });
    let answer = ask(&small.unwrap(), 0, false);
    assert_eq!(answer["bits"], 32);
    let difference = answer["difference"].as_f64().unwrap();
    assert!(difference > 1e-12, "computed in 32 bits: {difference}");
    assert!(difference < tolerance::ANALYTIC_F32);
}

#[test]
fn what_cannot_be_answered_is_refused_in_a_sentence() {
    let app = app();
    let claim = b"P5\n900000 900000\n255\n";
    for (body, part) in [
        (&b""[..], "empty"),
        (b"<html>", "picture"),
        (b"P5\n5000 10\n255\n", "5000×10"),
        (b"P5\n1024 1024\n255\n", "picture"),
        (claim, "900000"),
        (&pgm(0, 0, &[]), ""),
    ] {
        for path in ["look", "inside", "limits"] {
            refused(&picture(&app, path, "", body), 400, &[part]);
        }
    }
    let small = pgm(5, 5, &[9; 25]);
    for (query, picture_of, part) in [
        ("&scale=0", &one(), "scale"),
        ("&noise=NaN", &one(), "noise"),
        ("&right=a", &one(), "right"),
        ("&as=is", &small, "5×5"),
    ] {
        refused(&picture(&app, "look", query, picture_of), 400, &[part]);
    }
    refused(&ask(&app, "POST", "/api/look", PICTURE, &one()), 400, &[]);
    // Among others what would take seconds: every product of a large kernel with a large picture.
    for (kernel, picture, part) in [
        ("1+x", &small[..], "x"),
        (&["1"; 8].join("+"), &small, "8"),
        ("1", &pgm(513, 4, &[7; 4 * 513]), "513×4"),
        ("1", claim, "900000"),
    ] {
        let path = format!("/api/filter?kernel={kernel}");
        refused(&ask(&app, "POST", &path, PICTURE, picture), 400, &[part]);
    }
    for (image, stride, part) in [
        (document!([[1, 2], [3]]), 1, "different lengths"),
        (document!([]), 1, "cells"),
        (document!(vec![vec![0; 13]; 13]), 1, "13×13"),
        (document!([[1]]), 1, "does not fit"),
        (document!([[1, 2], [3, 4]]), 0, "stride"),
        (document!([[1, 2], [3, 4]]), 1_000_000, "stride"),
        (document!([[1e9, 2], [3, 4]]), 1, "million"),
    ] {
        let kernel = [[1, 0], [0, 1]];
        let question =
            document!({"image": image, "kernel": kernel, "stride": stride, "padding": "valid"});
        refused(&post(&app, "/api/window", &question), 400, &[part]);
    }
    let with = |key: &str, value: Value| {
        let mut values = document!(Values::default());
        values["activation"] = document!("identity");
        values[key] = value;
        values
    };
    for (values, steps, part) in [
        (with("learning_rate", document!(0.5)), 20_001, "20000"),
        (with("learning_rate", document!(1e6)), 1000, "learning rate"),
        (with("v", document!([[1, 2], [3, 4]])), 0, ""),
        (with("input", document!([])), 0, ""),
        (with("valuez", document!(1)), 0, "valuez"),
    ] {
        let question = document!({ "values": values, "steps": steps });
        refused(&post(&app, "/api/backprop", &question), 400, &[part]);
    }
}

#[test]
fn other_methods_and_addresses_are_refused() {
    let app = app();
    let others = ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"];
    let others = others.map(|method| (method, "/", "GET, POST"));
    for (method, path, allowed) in others.into_iter().chain([
        ("GET", "/api/look", "POST"),
        ("GET", "/api/inside", "POST"),
        ("GET", "/api/limits", "POST"),
        ("GET", "/api/window", "POST"),
        ("GET", "/api/filter", "POST"),
        ("POST", "/api/networks", "GET"),
        ("POST", "/api/runs", "GET"),
        ("POST", "/api/evaluation", "GET"),
        ("POST", "/", "GET"),
        ("POST", "/main.js", "GET"),
    ]) {
        let response = ask(&app, method, path, common::JSON, b"");
        assert_eq!(response.status(), 405, "{method} {path}");
        assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
    }
    for path in ["/../Cargo.toml", "//etc/passwd", "/page/main.js", "/api"] {
        refused(&get(&app, path), 404, &[]);
    }
}
