//! What the page is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{
    JSON, LOOK, PICTURE, app, close, fixture, get, json, numbers, options, pgm, post, refused,
};
use digits_playground::{App, Options};
use digits_verify::filter::{sheet_filters, sheet_image};
use digits_verify::{Precision, Values, Worked};
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
        let answer = json(&post(&app, "/api/window", JSON, question.to_string()));
        let expected = filter.apply(&sheet_image()).unwrap().to_f64();
        assert_eq!(numbers(&answer["sums"]), expected.values());
        for (sum, terms) in numbers(&answer["sums"])
            .iter()
            .zip(answer["terms"].as_array().unwrap())
        {
            let products = terms.as_array().unwrap().iter();
            assert_eq!(
                products
                    .map(|t| t["product"].as_f64().unwrap())
                    .sum::<f64>(),
                *sum
            );
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
    let ask = |size: usize, padding: &str| {
        let question = document!({
            "image": vec![vec![1; 6]; 6], "kernel": vec![vec![1; size]; size], "stride": 1, "padding": padding
        });
        json(&post(&app, "/api/window", JSON, question.to_string()))
    };
    let five = ask(5, "same");
    assert_eq!(
        five["margins"],
        document!({"top": 2, "bottom": 2, "left": 2, "right": 2})
    );
    assert_eq!(five["origins"][0], document!([-2, -2]));
    assert_eq!(five["nearest"], document!((0..36).collect::<Vec<_>>()));
    let two = ask(2, "same");
    assert_eq!(
        two["margins"],
        document!({"top": 0, "bottom": 1, "left": 0, "right": 1})
    );
    assert_eq!(ask(5, "valid")["nearest"][0], 0);
    assert_eq!(ask(5, "valid")["origins"][3], document!([1, 1]));
}

#[test]
fn windows_that_make_no_sense_are_refused_in_a_sentence() {
    let app = app();
    let ask = |image: Value, kernel: Value, stride: i64| {
        let question =
            document!({"image": image, "kernel": kernel, "stride": stride, "padding": "valid"});
        refused(&post(&app, "/api/window", JSON, question.to_string()), 400)
    };
    let kernel = || document!([[1, 0], [0, 1]]);
    assert!(ask(document!([[1, 2], [3]]), kernel(), 1).contains("different lengths"));
    assert!(ask(document!([]), kernel(), 1).contains("cells"));
    assert!(ask(document!(vec![vec![0; 13]; 13]), kernel(), 1).contains("13×13"));
    assert!(ask(document!([[1]]), kernel(), 1).contains("does not fit"));
    assert!(ask(document!([[1, 2], [3, 4]]), kernel(), 0).contains("stride"));
    assert!(ask(document!([[1, 2], [3, 4]]), kernel(), 1_000_000).contains("stride"));
    assert!(ask(document!([[1e9, 2], [3, 4]]), kernel(), 1).contains("million"));
}

#[test]
fn a_kernel_on_a_picture_gives_the_loops_result() {
    let app = app();
    let pixels: Vec<u8> = (0..30).map(|v| v * 8).collect();
    let kernel = "kernel=1+0+-1%3B2+0+-2%3B1+0+-1&padding=same&stride=2";
    let path = format!("/api/filter?{kernel}");
    let answer = post(&app, &path, PICTURE, pgm(6, 5, &pixels));
    assert_eq!(answer.status(), 200);
    let words: Vec<[u8; 4]> = answer
        .body()
        .chunks_exact(4)
        .map(|four| four.try_into().unwrap())
        .collect();
    assert_eq!(
        (u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])),
        (3, 3)
    );
    use digits_verify::filter::{Geometry, Grid, Padding, correlate};
    let image = Grid::new(5, 6, pixels.iter().map(|&p| f64::from(p)).collect()).unwrap();
    let geometry = Geometry {
        stride: 2,
        padding: Padding::Same,
        ..Geometry::default()
    };
    let expected = correlate(&image, &sheet_filters()[0].kernel.to_f64(), geometry).unwrap();
    let low = expected.values().iter().fold(f64::MAX, |a, &b| a.min(b));
    let high = expected.values().iter().fold(f64::MIN, |a, &b| a.max(b));
    let all = [&[low, high], expected.values()].concat();
    assert_eq!(words.len(), 2 + all.len());
    for (word, expected) in words[2..].iter().zip(all) {
        assert!((f64::from(f32::from_le_bytes(*word)) - expected).abs() < 1e-3);
    }
    let refuse = |kernel: &str, picture: Vec<u8>| {
        let path = format!("/api/filter?kernel={kernel}");
        refused(&post(&app, &path, PICTURE, picture), 400)
    };
    refuse("1+x", pgm(6, 5, &pixels));
    // What would take seconds: every product of a large kernel with a large picture.
    let row = ["1"; 8].join("+");
    let message = refuse(&row, pgm(6, 5, &pixels));
    assert!(message.contains("8"), "{message}");
    let large = pgm(513, 4, &[7; 4 * 513]);
    let message = refuse("1", large);
    assert!(message.contains("513×4"), "{message}");
}

#[test]
fn a_small_file_that_unpacks_to_a_large_picture_is_refused_everywhere() {
    let app = app();
    let claim = b"P5\n900000 900000\n255\n".to_vec();
    for path in ["/api/filter?kernel=1", LOOK] {
        let response = post(&app, path, PICTURE, claim.clone());
        let message = refused(&response, 400);
        assert!(message.contains("900000"), "{message}");
    }
}

#[test]
fn one_step_is_the_worked_derivation_and_agrees_with_autodiff() {
    let app = app();
    let values = json(&get(&app, "/api/backprop"));
    assert_eq!(values, document!(Values::default()));
    let worked = Worked::new(Values::default()).unwrap();
    let ask = |steps: u64| {
        let question = document!({ "values": values, "steps": steps });
        json(&post(&app, "/api/backprop", JSON, question.to_string()))
    };
    let before = ask(0);
    let gradient = numbers(&before["worked"]["gradient"]);
    assert_eq!(gradient.len(), worked.gradient.len());
    assert!(
        gradient
            .iter()
            .zip(&worked.gradient)
            .all(|(a, b)| close(*a, *b))
    );
    assert!(before["difference"].as_f64().unwrap() <= digits_verify::tolerance::ANALYTIC_F64);
    assert_eq!(before["bits"], 64);
    let autodiff = numbers(&before["autodiff"]);
    for (at, difference) in numbers(&before["differences"]).into_iter().enumerate() {
        assert!((difference - (gradient[at] - autodiff[at]).abs()).abs() < 1e-16);
    }
    let after = ask(1);
    let flat =
        |rows: &Value| -> Vec<f64> { rows.as_array().unwrap().iter().flat_map(numbers).collect() };
    let parameters = [
        flat(&after["worked"]["values"]["v"]),
        flat(&after["worked"]["values"]["w"]),
    ]
    .concat();
    assert_eq!(parameters.len(), worked.new.len());
    assert!(
        parameters
            .iter()
            .zip(&worked.new)
            .all(|(a, b)| close(*a, *b))
    );
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
    let answer = json(&post(&app, "/api/backprop", JSON, question.to_string()));
    assert_eq!(answer["bits"], 32);
    let difference = answer["difference"].as_f64().unwrap();
    assert!(difference > 1e-12, "computed in 32 bits: {difference}");
    assert!(difference < digits_verify::tolerance::ANALYTIC_F32);
}

#[test]
fn learning_stops_when_it_has_learned_and_refuses_what_cannot_be_computed() {
    let app = app();
    let ask = |question: Value| post(&app, "/api/backprop", JSON, question.to_string());
    let mut values = document!(Values::default());
    let learned = json(&ask(
        document!({"values": values, "steps": 20_000, "until_learned": true}),
    ));
    assert_eq!(learned["learned"], true);
    assert!(learned["worked"]["loss"].as_f64().unwrap() < 1e-3);
    assert!(learned["steps"].as_u64().unwrap() < 20_000);
    assert!(learned["losses"].as_array().unwrap().len() <= 402);
    refused(&ask(document!({"values": values, "steps": 20_001})), 400);
    values["activation"] = document!("identity");
    values["learning_rate"] = document!(1e6);
    let message = refused(&ask(document!({"values": values, "steps": 1000})), 400);
    assert!(message.contains("learning rate"), "{message}");
    values["v"] = document!([[1, 2], [3, 4]]);
    refused(&ask(document!({"values": values})), 400);
    values["input"] = document!([]);
    refused(&ask(document!({"values": values})), 400);
    refused(&ask(document!({"valuez": 1})), 400);
}

#[test]
fn other_methods_and_other_sites_are_refused() {
    let app = app();
    let ask = |method: &str, pairs: &[(&str, &str)]| {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri("/api/networks");
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        app.respond(&request.body(bytes::Bytes::new()).unwrap())
            .status()
            .as_u16()
    };
    let host = ("host", "127.0.0.1:8814");
    assert_eq!(ask("GET", &[host]), 200);
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        assert_eq!(ask(method, &[host]), 405, "{method}");
    }
    let allow = |response: &hyper::Response<bytes::Bytes>| {
        assert_eq!(response.status(), 405);
        response.headers()["allow"].to_str().unwrap().to_owned()
    };
    for path in ["look", "inside", "limits", "window", "filter"] {
        assert_eq!(allow(&get(&app, &format!("/api/{path}"))), "POST");
    }
    for path in [
        "/",
        "/main.js",
        "/api/networks",
        "/api/runs",
        "/api/evaluation",
    ] {
        assert_eq!(allow(&post(&app, path, JSON, "{}")), "GET");
    }
    let put = hyper::Request::put("/").header("host", "localhost");
    let put = app.respond(&put.body(bytes::Bytes::new()).unwrap());
    assert_eq!(allow(&put), "GET, POST");
    assert_eq!(ask("GET", &[("host", "rebound.example")]), 421);
    assert_eq!(ask("GET", &[host, ("origin", "https://evil.example")]), 403);
}
