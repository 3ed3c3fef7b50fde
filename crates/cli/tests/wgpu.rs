//! wgpu held against flex; only in builds with the feature.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Sandbox, json};

#[test]
fn wgpu_trains_and_agrees_with_flex_about_the_same_network() {
    let devices = json("devices --json");
    let mut devices = devices.as_array().unwrap().iter();
    let wgpu = devices.find(|device| device["backend"] == "wgpu").unwrap();
    assert_eq!(
        wgpu["works"], true,
        "no adapter: install one, or Mesa's software Vulkan (mesa-vulkan-drivers): {wgpu}"
    );
    println!("adapter: {}", wgpu["detail"]);
    let sandbox = Sandbox::new(240);
    for recipe in ["mlp-small", "cnn-small"] {
        let options = "--epochs 10 --backend wgpu --json";
        let trained = json(&sandbox.training(recipe, recipe, options));
        let accuracy = trained["test_accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.9, "{trained}");
        let run = sandbox.at(recipe);
        let [flex, wgpu] = ["flex", "wgpu"].map(|backend| {
            let report = json(&format!("evaluate {run} --backend {backend} --json"));
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
    let line = format!(
        "verify --backend wgpu --json --out {}",
        out.path().display()
    );
    let result = json(&line);
    assert_eq!(result["passed"], true, "{result}");
    let checks = result["checks"].as_array().unwrap().iter();
    let on_wgpu = checks.filter(|check| check["name"].as_str().unwrap().contains("wgpu"));
    let count = on_wgpu.count();
    assert!(count >= 5, "only {count} checks ran on wgpu");
}
