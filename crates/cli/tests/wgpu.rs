//! wgpu held against flex; only in builds with the feature.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Sandbox, json};

#[test]
fn wgpu_trains_and_agrees_with_flex_about_the_same_network() {
    let devices = json(["devices", "--json"]);
    let devices = devices.as_array().unwrap();
    let wgpu = devices
        .iter()
        .find(|device| device["backend"] == "wgpu")
        .unwrap();
    assert_eq!(
        wgpu["works"], true,
        "no adapter: install one, or Mesa's software Vulkan (mesa-vulkan-drivers): {wgpu}"
    );
    println!("adapter: {}", wgpu["detail"]);
    let sandbox = Sandbox::new(240);
    for recipe in ["mlp-small", "cnn-small"] {
        let options = "--epochs 10 --backend wgpu --json";
        let trained = json(sandbox.training(recipe, recipe, options));
        assert!(
            trained["test_accuracy"].as_f64().unwrap() > 0.9,
            "{trained}"
        );
        let [flex, wgpu] = ["flex", "wgpu"].map(|backend| {
            let run = sandbox.at(recipe);
            let report = json(["evaluate", &run, "--backend", backend, "--json"]);
            report["loss"].as_f64().unwrap()
        });
        assert!(
            (flex - wgpu).abs() <= 1e-4 * flex.abs().max(1e-3),
            "{recipe}: flex {flex}, wgpu {wgpu}"
        );
    }
}

#[test]
fn the_hand_derived_mathematics_holds_on_wgpu() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().display().to_string();
    let result = json(["verify", "--backend", "wgpu", "--json", "--out", &out]);
    assert_eq!(result["passed"], true, "{result}");
    let checks = result["checks"].as_array().unwrap();
    let on_wgpu = checks
        .iter()
        .filter(|check| check["name"].as_str().unwrap().contains("wgpu"));
    let count = on_wgpu.count();
    assert!(count >= 5, "only {count} checks ran on wgpu");
}
