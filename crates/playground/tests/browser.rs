//! The page in a real browser: `just test-browser` (Debian: chromium, chromium-driver).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::browser::{DESKTOP, PHONE, Page, Window};
use common::{app, app_on, fixture, serve, small_run};
use digits_verify::filter::{sheet_filters, sheet_image};
use digits_verify::{Values, Worked};

/// From the page's own measurement, of every stroke: pointer event to both answers on the screen.
const FAST: f64 = 30.0;

/// A seven as people write it, two lines.
fn seven() -> Vec<Vec<(f64, f64)>> {
    let across = (0..=12).map(|i| (0.27 + 0.036 * f64::from(i), 0.25));
    let down = (1..=14).map(|i| (0.70 - 0.02 * f64::from(i), 0.25 + 0.04 * f64::from(i)));
    vec![across.chain(down).collect()]
}

/// A closed ring.
fn zero() -> Vec<Vec<(f64, f64)>> {
    let turn = (0..=30).map(|i| f64::from(i) / 30.0 * std::f64::consts::TAU);
    vec![
        turn.map(|a| (0.5 + 0.18 * a.sin(), 0.5 - 0.28 * a.cos()))
            .collect(),
    ]
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_drawn_digit_is_read_by_both_networks_within_thirty_milliseconds() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", DESKTOP);
    page.wait("document.querySelectorAll('#network-a option').length > 1");
    assert!(page.text("#verdict").contains("Draw something"));
    assert_eq!(
        page.script("return document.querySelector('#pad-hint').hidden"),
        false
    );
    assert_eq!(
        page.script("return document.querySelectorAll('.bars .best').length"),
        0
    );

    page.draw(&seven(), "mouse");
    page.wait("document.querySelector('#verdict').dataset.labels === '7 7'");
    assert_eq!(
        page.script("return document.querySelector('#pad-hint').hidden"),
        true
    );
    let best = page.script(
        "return [...document.querySelectorAll('.bars .best .percent')].map(e => parseFloat(e.textContent.replace('>', '')))",
    );
    assert!((0..2).all(|n| best[n].as_f64().unwrap() > 50.0), "{best}");
    page.wait("document.querySelectorAll('#maps canvas').length === 2 && document.querySelectorAll('#saliency canvas').length === 2");
    page.wait("document.querySelector('#reach-rotation').textContent.includes('holds')");

    page.click("#clear");
    page.wait("document.querySelector('#verdict').dataset.labels === ''");
    for _ in 0..4 {
        page.draw(&zero(), "pen");
        page.wait("document.querySelector('#verdict').dataset.labels === '0 0'");
        page.click("#clear");
        page.wait("document.querySelector('#verdict').dataset.labels === ''");
    }
    let median = page.script("return [Number(document.querySelector('#speed').dataset.median), Number(document.querySelector('#speed').dataset.count)]");
    println!("median of {} answers: {} ms", median[1], median[0]);
    assert!(median[1].as_f64().unwrap() > 40.0);
    assert!(median[0].as_f64().unwrap() <= FAST, "{median}");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_digit_can_be_drawn_with_the_keyboard_alone() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", DESKTOP);
    page.wait("document.querySelectorAll('#network-a option').length > 1");
    page.script("document.querySelector('#pad').focus()");
    let (up, down) = ("\u{e013}", "\u{e015}");
    page.keys(&(up.repeat(8) + " " + &down.repeat(16) + " "));
    page.wait("document.querySelector('#verdict').dataset.labels === '1 1'");
    page.keys("\u{e00c}");
    page.wait("document.querySelector('#verdict').dataset.labels === ''");
    // Every control of the page can be reached with Tab.
    let unreachable = page.script(
        "return [...document.querySelectorAll('button, select, input, a, summary')].filter(e => e.tabIndex < 0 && !e.closest('#result-grid')).length",
    );
    assert_eq!(unreachable, 0);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_disputed_test_digit_is_loaded_and_sliders_make_networks_give_up() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", DESKTOP);
    page.wait("document.querySelectorAll('#network-a option').length > 3");
    for (side, run) in [("a", "small-mlp"), ("b", "small-cnn")] {
        page.script(&format!(
            "const s = document.querySelector('#network-{side}'); s.value = 'run:{run}'; s.dispatchEvent(new Event('change'))"
        ));
    }
    page.click("#disputed");
    page.wait("document.querySelector('#truth').textContent.includes('Test digit')");
    page.wait("new Set(document.querySelector('#verdict').dataset.labels.split(' ')).size === 2");
    page.click("#sample");
    page.wait("document.querySelector('#reach-noise').textContent !== ''");
    let before = page.text("#verdict");
    page.script("const s = document.querySelector('#slider-noise'); s.value = 1.2; s.dispatchEvent(new Event('input')); document.querySelector('#slider-scale').value = 0.4; document.querySelector('#slider-scale').dispatchEvent(new Event('input'))");
    page.wait("document.querySelector('.slider output').textContent && document.querySelectorAll('.strip i.holds').length < 200");
    page.click("#reset");
    page.wait(&format!(
        "document.querySelector('#verdict').textContent === {before:?}"
    ));
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn stepping_a_filter_fills_in_the_sheets_result() {
    let server = serve(app());
    let page = Page::open(server.address, "filters", DESKTOP);
    for filter in sheet_filters() {
        let expected: Vec<String> = filter
            .apply(&sheet_image())
            .unwrap()
            .values()
            .iter()
            .map(|value| value.to_string().replace('-', "−"))
            .collect();
        page.wait("document.querySelectorAll('#kernel-preset option').length > 3");
        page.script(&format!(
            "const s = document.querySelector('#kernel-preset'); s.value = '{}'; s.dispatchEvent(new Event('change'))",
            filter.name
        ));
        let name = filter.name;
        page.wait(&format!(
            "document.querySelector('#preset-says').textContent.toLowerCase().startsWith('{name}') && document.querySelectorAll('#result-grid button').length === 9 && document.querySelector('#place').textContent === 'window 1 of 9'"
        ));
        let cells =
            "return [...document.querySelectorAll('#result-grid button')].map(e => e.textContent)";
        page.wait("document.querySelectorAll('#result-grid button')[0].textContent !== '' && document.querySelectorAll('#result-grid button')[1].textContent === ''");
        for _ in 0..8 {
            page.click("#step");
        }
        assert_eq!(page.script(cells), serde_json::json!(expected), "{name}");
        assert!(
            page.text("#sum").ends_with(&format!("= {}", expected[8])),
            "{}",
            page.text("#sum")
        );
    }
    // An edited cell counts at once, and padding makes the result as large as the image.
    page.script("const c = document.querySelector('#image-grid input'); c.value = '100'; c.dispatchEvent(new Event('input'))");
    page.script("const p = document.querySelector('#padding'); p.value = 'same'; p.dispatchEvent(new Event('change'))");
    page.wait("document.querySelectorAll('#result-grid button').length === 25");
    // Laplacian at the corner: −4 · 100 + 5 + 5.
    page.wait("document.querySelector('#result-grid button').textContent === '−390'");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn dragging_over_the_image_moves_the_window() {
    let server = serve(app());
    let page = Page::open(server.address, "filters", DESKTOP);
    page.wait("document.querySelector('#place').textContent === 'window 1 of 9'");
    let [left, top, width, height] = page.rectangle("#image-grid");
    let at = |x: f64, y: f64| (left + x * width, top + y * height);
    page.stroke(&[at(0.1, 0.1), at(0.3, 0.3), at(0.5, 0.5)], "mouse");
    page.wait("document.querySelector('#place').textContent === 'window 5 of 9'");
    page.script("document.querySelector('#result-grid .here').focus()");
    page.keys("\u{e014}\u{e015}");
    page.wait("document.querySelector('#place').textContent === 'window 9 of 9'");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn one_backpropagation_step_is_the_one_that_verify_computes() {
    let server = serve(app());
    let page = Page::open(server.address, "backprop", DESKTOP);
    page.wait("document.querySelectorAll('#gradients tbody tr').length === 12");
    let worked = Worked::new(Values::default()).unwrap();
    let column = |at: usize| -> Vec<f64> {
        let script = format!(
            "return [...document.querySelectorAll('#gradients tbody tr')].map(r => Number(r.cells[{at}].textContent.replaceAll('−', '-')))"
        );
        let list = page.script(&script);
        list.as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect()
    };
    let agree = |found: &[f64], expected: &[f64], digits: f64| {
        found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() <= digits)
    };
    assert!(agree(&column(2), &worked.gradient, 1e-9), "{:?}", column(2));
    assert!(agree(&column(3), &worked.gradient, 1e-9), "autodiff");
    assert!(agree(&column(5), &worked.new, 1e-6), "announced");
    page.click("#one");
    page.wait("document.querySelector('#learned').dataset.steps === '1'");
    assert!(agree(&column(1), &worked.new, 1e-6), "taken");
    page.click("#backward");
    page.wait("document.querySelector('#rule').textContent.includes('δ₁')");
    page.click("[data-symbol=\"∂L/∂v₁₀\"]");
    page.wait("document.querySelector('#rule').textContent.includes('Autodiff')");
    page.click("#learn");
    page.wait("document.querySelector('#learned').textContent.includes('learned')");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_run_that_appears_and_grows_is_shown_without_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(app_on(folder.path()));
    let page = Page::open(server.address, "runs", DESKTOP);
    page.wait("document.querySelectorAll('.run').length === 2");
    small_run("mlp", 2, &fixture().data, &folder.path().join("new"));
    page.wait("[...document.querySelectorAll('.run')].some(e => e.textContent.includes('new'))");
    page.click("[data-run=\"run:new\"]");
    page.wait("document.querySelectorAll('#run-detail polyline').length === 4");
    let points = "document.querySelectorAll('#run-detail circle').length";
    page.wait(&format!("{points} === 8"));
    // It goes on: two more epochs, on the page that is open.
    std::fs::remove_dir_all(folder.path().join("new")).unwrap();
    small_run("mlp", 4, &fixture().data, &folder.path().join("new"));
    page.wait(&format!("{points} === 16"));
    page.click("[data-run=\"run:new\"]");
    page.click("#run-detail .matrix-box button");
    page.wait("document.querySelectorAll('.matrix tbody td').length === 100");
    let sum = page.script("return [...document.querySelectorAll('.matrix td')].reduce((s, e) => s + Number(e.textContent), 0)");
    assert_eq!(sum, 300);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn on_a_phone_nothing_is_wider_than_the_screen_and_a_finger_draws() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", PHONE);
    page.wait("document.querySelectorAll('#network-a option').length > 1");
    page.draw(&seven(), "touch");
    page.wait("document.querySelector('#verdict').dataset.labels === '7 7'");
    for part in ["draw", "filters", "backprop", "runs"] {
        page.go(part);
        page.wait("true");
        let widths = page.script("return [document.documentElement.scrollWidth, innerWidth]");
        assert_eq!(widths[0], widths[1], "{part}");
        let small = page.script(&format!(
            "return [...document.querySelectorAll('#part-{part} button, #part-{part} select')].filter(e => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().height < 24).length"
        ));
        assert_eq!(small, 0, "{part}: targets of at least 24 pixels");
    }
}

/// The least contrast (WCAG 2.2) of any text with the ground it stands on.
const CONTRAST: &str = r"
const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
const linear = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const text = getComputedStyle(e).backgroundColor;
    if (!text.startsWith('rgb')) continue;
    const [r, g, b, a = 1] = parse(text);
    if (a === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
let worst = [99, ''];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || e.closest('svg') || e.disabled || e.getBoundingClientRect().width === 0) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 90)];
}
return worst;
";

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn light_and_dark_have_enough_contrast_everywhere() {
    let server = serve(app());
    for dark in [false, true] {
        let page = Page::open(server.address, "draw", Window { dark, ..DESKTOP });
        page.wait("document.querySelectorAll('#network-a option').length > 1");
        page.draw(&seven(), "mouse");
        page.wait("document.querySelector('#verdict').dataset.labels === '7 7'");
        let ground = page.script(
            "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]",
        );
        assert_eq!(ground.as_f64().unwrap() < 100.0, dark);
        for part in ["draw", "filters", "backprop", "runs"] {
            page.go(part);
            page.wait(match part {
                "filters" => "document.querySelectorAll('#result-grid button').length > 0",
                "backprop" => "document.querySelectorAll('#gradients tbody tr').length > 0",
                "runs" => "document.querySelectorAll('.run').length > 0",
                _ => "true",
            });
            let worst = page.script(CONTRAST);
            assert!(
                worst[0].as_f64().unwrap() >= 4.5,
                "{part}, dark: {dark}: {worst}"
            );
        }
    }
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn nothing_jumps_while_drawing() {
    let server = serve(app());
    for window in [DESKTOP, PHONE] {
        let page = Page::open(server.address, "draw", window);
        page.wait("document.querySelectorAll('#network-a option').length > 1");
        let places = "return ['.answers', '.disturb', '.samples', '#sliders'].map(s => document.querySelector(s).getBoundingClientRect().top + scrollY).map(Math.round)";
        let before = page.script(places);
        page.draw(&seven(), if window.phone { "touch" } else { "mouse" });
        page.wait("document.querySelector('#verdict').dataset.labels === '7 7'");
        page.wait("document.querySelectorAll('#maps canvas').length === 2");
        page.wait("document.querySelector('#reach-noise').textContent !== ''");
        assert_eq!(page.script(places), before);
    }
}
