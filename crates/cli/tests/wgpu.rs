//! wgpu held against flex; only in builds with the feature.
#![cfg(feature = "wgpu")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{bars, json, training};

#[test]
fn wgpu_trains_and_agrees_with_flex_about_the_same_network() {
    let devices = json(["devices", "--json"]);
    let wgpu = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|device| device["backend"] == "wgpu")
        .unwrap();
    assert_eq!(
        wgpu["works"], true,
        "no adapter: install one, or Mesa's software Vulkan (mesa-vulkan-drivers): {wgpu}"
    );
    println!("adapter: {}", wgpu["detail"]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 240, 40);
    for recipe in ["mlp-small", "cnn-small"] {
        let run = folder.path().join(recipe);
        let mut args = training(&data, &run);
        recipe.clone_into(&mut args[1]);
        let epochs = args.iter().position(|arg| arg == "--epochs").unwrap() + 1;
        "10".clone_into(&mut args[epochs]);
        args.extend(["--backend", "wgpu", "--json"].map(str::to_owned));
        let trained = json(args);
        assert!(
            trained["test_accuracy"].as_f64().unwrap() > 0.9,
            "{trained}"
        );
        let loss = |backend: &str| {
            let report = json([
                "evaluate",
                &run.display().to_string(),
                "--backend",
                backend,
                "--json",
            ]);
            report["loss"].as_f64().unwrap()
        };
        let (flex, wgpu) = (loss("flex"), loss("wgpu"));
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
    let wgpu = checks
        .iter()
        .filter(|check| check["name"].as_str().unwrap().contains("wgpu"))
        .count();
    assert!(wgpu >= 5, "only {wgpu} checks ran on wgpu");
}
