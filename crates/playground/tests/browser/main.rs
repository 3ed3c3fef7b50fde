//! The page in a real browser: `just test-browser` (Debian: chromium, chromium-driver).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;

mod backprop;
mod drawing;
mod filters;
mod looks;
mod runs;

use common::app;
use common::browser::{Page, Window};

const PARTS: [&str; 4] = ["draw", "filters", "backprop", "runs"];

/// A seven as people write it.
fn seven() -> Vec<(f64, f64)> {
    let across = (0..=12).map(|i| (0.27 + 0.036 * f64::from(i), 0.25));
    let down = (1..=14).map(|i| (0.70 - 0.02 * f64::from(i), 0.25 + 0.04 * f64::from(i)));
    across.chain(down).collect()
}

/// A closed ring.
fn zero() -> Vec<(f64, f64)> {
    let turn = (0..=30).map(|i| f64::from(i) / 30.0 * std::f64::consts::TAU);
    let place = |a: f64| (0.5 + 0.18 * a.sin(), 0.5 - 0.28 * a.cos());
    turn.map(place).collect()
}

/// A page on the fixture's runs, with all that the part shows.
fn open(part: &str, window: Window) -> Page {
    let page = Page::open(app(), part, window);
    visit(&page, part);
    page
}

/// Opens a part and waits until all that it shows is there.
fn visit(page: &Page, part: &str) {
    page.go(part);
    page.wait(match part {
        "draw" => "$$('#network-a option').length > 1",
        "filters" => {
            "$('#sum').textContent !== '' && $('#filtered-range').textContent.includes('to')"
        }
        "backprop" => "$('#gradients tbody tr') && $('#values input')",
        _ => "$('.run') && $('#run-detail dt')",
    });
}

/// Waits until both networks answer this (`7 7`), or nothing.
fn wait_for_answers(page: &Page, labels: &str) {
    page.wait(&format!("$('#verdict').dataset.labels === '{labels}'"));
}

/// Waits until the networks' insides and limits are shown.
fn wait_for_insides(page: &Page) {
    page.wait("$$('#maps canvas').length === 2 && $('#reach-noise').textContent !== ''");
}

/// Runs `instead` for requests to this address, inside the page: no line in the console.
fn intercept(page: &Page, address: &str, instead: &str) {
    page.script(&format!(
        "window.sound ??= window.fetch; window.fetch = async (path, options) => {{ \
         if (String(path).startsWith('{address}')) {{ {instead} }} return window.sound(path, options); }}"
    ));
}

/// Answers requests to this address with a refusal.
fn break_address(page: &Page, address: &str, sentence: &str) {
    let refusal = format!(
        "return new Response(JSON.stringify({{ error: '{sentence}' }}), {{ status: 503 }})"
    );
    intercept(page, address, &refusal);
}

/// The end of [`intercept`].
fn mend(page: &Page) {
    page.script("window.fetch = window.sound");
}
