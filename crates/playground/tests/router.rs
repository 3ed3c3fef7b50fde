//! What the page is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use bytes::Bytes;
use common::{
    JSON, LOOK, PICTURE, all_close, app, ask, close, fixture, get, json, list, numbers, options,
    pgm, post, refused,
};
use digits_playground::{App, Options};
use digits_verify::filter::{Geometry, Grid, Padding, correlate, sheet_filters, sheet_image};
use digits_verify::{Precision, Values, Worked, tolerance};
use hyper::Request;
use serde_json::{Value, json as document};

#[test]
fn the_page_and_all_that_it_names_is_there_with_a_policy_against_inline_code() {
    let app = app();
    let page = get(&app, "/");
    assert_eq!(page.status(), 200);
    let text = std::str::from_utf8(page.body()).unwrap();
    let mut files: Vec<String> = text
        .split('"')
        .filter(|part| part.starts_with('/') && part.len() > 1)
        .map(str::to_owned)
        .collect();
    let mut next = 0;
    while next < files.len() {
        let file = get(&app, &files[next]);
        assert_eq!(file.status(), 200, "{}", files[next]);
        for line in String::from_utf8_lossy(file.body()).lines() {
            if let Some(module) = line.split("from \"/").nth(1) {
                let module = format!("/{}", module.split('"').next().unwrap());
                if !files.contains(&module) {
                    files.push(module);
                }
            }
        }
        next += 1;
    }
    assert!(files.len() > 10, "the modules import each other: {files:?}");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    for word in ["unsafe", "data:", "blob:", "*"] {
        assert!(!policy.contains(word), "{word}");
    }
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
}

#[test]
fn every_window_of_the_sheet_image_has_its_products_and_the_sheets_result() {
    let app = app();
    for filter in sheet_filters() {
        let question = document!({
            "image": sheet_image(), "kernel": filter.kernel, "stride": 1, "padding": "valid"
        });
        let answer = json(&ask(&app, "/api/window", &question));
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
}

#[test]
fn windows_are_told_where_they_lie_whatever_the_size_of_the_kernel() {
    let app = app();
    // Origin of the window at this place; zeros before and behind the image.
    for (size, padding, place, origin, [before, behind]) in [
        (5, "same", 0, [-2, -2], [2, 2]),
        (2, "same", 0, [0, 0], [0, 1]),
        (5, "valid", 3, [1, 1], [0, 0]),
    ] {
        let kernel = vec![vec![1; size]; size];
        let image = vec![vec![1; 6]; 6];
        let question =
            document!({"image": image, "kernel": kernel, "stride": 1, "padding": padding});
        let answer = json(&ask(&app, "/api/window", &question));
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
fn invalid_windows_are_refused_in_a_sentence() {
    let app = app();
    let square = document!([[1, 2], [3, 4]]);
    for (image, stride, part) in [
        (document!([[1, 2], [3]]), 1, "different lengths"),
        (document!([]), 1, "cells"),
        (document!(vec![vec![0; 13]; 13]), 1, "13×13"),
        (document!([[1]]), 1, "does not fit"),
        (square.clone(), 0, "stride"),
        (square, 1_000_000, "stride"),
        (document!([[1e9, 2], [3, 4]]), 1, "million"),
    ] {
        let kernel = [[1, 0], [0, 1]];
        let question =
            document!({"image": image, "kernel": kernel, "stride": stride, "padding": "valid"});
        let message = refused(&ask(&app, "/api/window", &question), 400);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_kernel_on_a_picture_gives_the_loops_result() {
    let app = app();
    let pixels: Vec<u8> = (0..30).map(|v| v * 8).collect();
    let filter = |query: &str, picture: Vec<u8>| {
        post(
            &app,
            &format!("/api/filter?kernel={query}"),
            PICTURE,
            picture,
        )
    };
    let answer = filter(
        "1+0+-1%3B2+0+-2%3B1+0+-1&padding=same&stride=2",
        pgm(6, 5, &pixels),
    );
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
    // Among others what would take seconds: every product of a large kernel with a large picture.
    for (kernel, picture, part) in [
        ("1+x", pgm(6, 5, &pixels), "x"),
        (&["1"; 8].join("+"), pgm(6, 5, &pixels), "8"),
        ("1", pgm(513, 4, &[7; 4 * 513]), "513×4"),
        ("1", b"P5\n900000 900000\n255\n".to_vec(), "900000"),
    ] {
        let message = refused(&filter(kernel, picture), 400);
        assert!(message.contains(part), "{message}");
    }
    let claim = b"P5\n900000 900000\n255\n".to_vec();
    let message = refused(&post(&app, LOOK, PICTURE, claim), 400);
    assert!(message.contains("900000"), "{message}");
}

#[test]
fn one_step_is_the_worked_derivation_and_agrees_with_autodiff() {
    let app = app();
    let values = json(&get(&app, "/api/backprop"));
    assert_eq!(values, document!(Values::default()));
    let worked = Worked::new(Values::default()).unwrap();
    let [before, after] = [0, 1].map(|steps| {
        let question = document!({ "values": values, "steps": steps });
        json(&ask(&app, "/api/backprop", &question))
    });
    let gradient = numbers(&before["worked"]["gradient"]);
    assert!(all_close(&gradient, &worked.gradient));
    assert!(before["difference"].as_f64().unwrap() <= tolerance::ANALYTIC_F64);
    assert_eq!(before["bits"], 64);
    let autodiff = numbers(&before["autodiff"]);
    for (at, difference) in numbers(&before["differences"]).into_iter().enumerate() {
        assert!((difference - (gradient[at] - autodiff[at]).abs()).abs() < 1e-16);
    }
    let rows = ["v", "w"].map(|layer| list(&after["worked"]["values"][layer]));
    let parameters: Vec<f64> = rows.concat().iter().flat_map(numbers).collect();
    assert!(all_close(&parameters, &worked.new));
    assert!(close(numbers(&after["losses"][1])[1], worked.loss_after));
}

#[test]
fn a_device_without_64_bit_numbers_is_asked_for_32_bit_ones() {
    let app = App::new(Options {
        precision: Precision::F32,
        ..options(&fixture().artifacts)
    })
    .unwrap();
    let question = document!({ "values": Values::default() });
    let answer = json(&ask(&app, "/api/backprop", &question));
    assert_eq!(answer["bits"], 32);
    let difference = answer["difference"].as_f64().unwrap();
    assert!(difference > 1e-12, "computed in 32 bits: {difference}");
    assert!(difference < tolerance::ANALYTIC_F32);
}

#[test]
fn learning_stops_when_it_has_learned_and_refuses_what_cannot_be_computed() {
    let app = app();
    let ask = |question: Value| ask(&app, "/api/backprop", &question);
    let mut values = document!(Values::default());
    let question = document!({"values": values, "steps": 20_000, "until_learned": true});
    let learned = json(&ask(question));
    assert_eq!(learned["learned"], true);
    assert!(learned["worked"]["loss"].as_f64().unwrap() < 1e-3);
    assert!(learned["steps"].as_u64().unwrap() < 20_000);
    assert!(list(&learned["losses"]).len() <= 402);
    refused(&ask(document!({"values": values, "steps": 20_001})), 400);
    values["activation"] = document!("identity");
    values["learning_rate"] = document!(1e6);
    let message = refused(&ask(document!({"values": values, "steps": 1000})), 400);
    assert!(message.contains("learning rate"), "{message}");
    for (key, wrong) in [("v", document!([[1, 2], [3, 4]])), ("input", document!([]))] {
        values[key] = wrong;
        refused(&ask(document!({"values": values})), 400);
    }
    refused(&ask(document!({"valuez": 1})), 400);
}

#[test]
fn other_methods_and_other_sites_are_refused() {
    let app = app();
    let ask = |method: &str, path: &str, host: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("host", host).header("content-type", JSON);
        app.respond(&request.body(Bytes::new()).unwrap())
    };
    assert_eq!(ask("GET", "/api/networks", "rebound.example").status(), 421);
    let both =
        ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"].map(|method| (method, "/", "GET, POST"));
    let post = ["look", "inside", "limits", "window", "filter"].map(|path| ("GET", path, "POST"));
    let get = ["networks", "runs", "evaluation"].map(|path| ("POST", path, "GET"));
    let page = ["/", "/main.js"].map(|path| ("POST", path, "GET"));
    for (method, path, allowed) in [&both[..], &post, &get, &page].concat() {
        let path = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None => format!("/api/{path}"),
        };
        let response = ask(method, &path, "localhost");
        assert_eq!(response.status(), 405, "{method} {path}");
        assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
    }
}
