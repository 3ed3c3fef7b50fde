//! For everyone: phones, contrast, names, nothing that jumps.

use serde_json::json;

use crate::common::browser::{DESKTOP, PHONE, Window};
use crate::{PARTS, open, seven, visit, wait_for_answers, wait_for_insides};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn on_phones_nothing_is_wider_than_the_screen_and_a_finger_draws() {
    for width in [320, 360, 390] {
        let page = open("draw", Window { width, ..PHONE });
        page.draw(&seven(), "touch");
        wait_for_answers(&page, "7 7");
        wait_for_insides(&page);
        for part in PARTS {
            visit(&page, part);
            let widths = page.script("return [document.documentElement.scrollWidth, innerWidth]");
            assert_eq!(widths[0], widths[1], "{part} at {width}");
            // Targets have at least 24 pixels.
            let small = page.script(&format!(
                "const height = (e) => e.getBoundingClientRect().height; \
                 return $$('#part-{part} :is(button, select, summary, input:not([type=file]))').filter((e) => height(e) > 0 && height(e) < 24).map((e) => e.outerHTML)"
            ));
            assert_eq!(small, json!([]), "{part} at {width}");
        }
    }
}

/// The least contrast (WCAG 2.2) of any text with the ground it stands on, and of the edge of
/// any field with the ground around it.
const CONTRAST: &str = r"
const parse = (text) => {
  const [r, g, b, a = 1] = (text.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
  return text.startsWith('color(srgb') ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
};
const linear = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const ratio = (one, other) => {
  const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color[3] === 1) return color;
  }
  return [255, 255, 255, 1];
};
// Text in a drawing stands on the last shape below it that is filled.
const shape = (text) => {
  text.scrollIntoView({ block: 'center', inline: 'center' });
  const box = text.getBoundingClientRect();
  const below = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const filled = below.find((e) => ['rect', 'circle'].includes(e.tagName) && getComputedStyle(e).fill !== 'none');
  return filled ? parse(getComputedStyle(filled).fill) : ground(text.closest('svg').parentElement);
};
let worst = [99, ''];
let edge = [99, ''];
let seen = { drawn: 0, mixed: 0 };
const note = (worst, value, e) => (value < worst[0] ? [value, e.outerHTML.slice(0, 120)] : worst);
for (const e of document.querySelectorAll('body *')) {
  const box = e.getBoundingClientRect();
  if (box.width === 0 || e.closest('.visually-hidden, .skip') || e.disabled) continue;
  if (e.matches('input:not([type=range], [type=file]), select, button, .value > :is(rect, circle)')) {
    const style = getComputedStyle(e);
    const color = parse(e.closest('svg') ? style.stroke : style.borderTopColor);
    const around = e.closest('svg') ? ground(e.closest('svg').parentElement) : ground(e.parentElement);
    const own = parse(style.backgroundColor);
    // A button whose ground tells it from the page needs no edge.
    const tells = e.closest('svg') ? 0 : own[3] === 1 ? ratio(own, around) : 0;
    edge = note(edge, Math.max(tells, ratio(color, around)), e);
  }
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(e);
  const drawn = e.closest('svg');
  if (drawn) seen.drawn++;
  const behind = drawn ? shape(e) : ground(e);
  if (getComputedStyle(e).backgroundColor.startsWith('color(')) seen.mixed++;
  worst = note(worst, ratio(parse(drawn ? style.fill : style.color), behind), e);
}
return [worst, edge, seen];
";

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn light_and_dark_have_enough_contrast_everywhere() {
    for dark in [false, true] {
        let page = open("draw", Window { dark, ..DESKTOP });
        page.draw(&seven(), "mouse");
        wait_for_answers(&page, "7 7");
        let ground = page.numbers(
            "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)",
        );
        assert_eq!(ground[0] < 100.0, dark);
        for part in PARTS {
            visit(&page, part);
            // Every cell of the result filled in; every badge that a run can have.
            page.script(match part {
                "filters" => "for (let n = 0; n < 9; n++) $('#step').click()",
                "runs" => {
                    "const b = $$('.run .badge'); b[0].className = 'badge training'; b[1].className = 'badge stopped'; $('#run-detail .badge').className = 'badge training'"
                }
                _ => "",
            });
            let found = page.script(CONTRAST);
            for (at, what, least) in [(0, "text", 4.5), (1, "edges", 3.0)] {
                assert!(
                    found[at][0].as_f64().unwrap() >= least,
                    "{what} of {part}, dark: {dark}: {found}"
                );
            }
            // The measurement itself: it meets text in drawings and mixed colors.
            let seen = |what: &str| found[2][what].as_u64().unwrap();
            let has_drawings = part == "backprop" || part == "runs";
            assert_eq!(seen("drawn") > 5, has_drawings, "{part}: {found}");
            assert!(part != "filters" || seen("mixed") > 3, "{found}");
        }
    }
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn all_that_can_be_focused_has_a_name() {
    let page = open("draw", DESKTOP);
    for part in PARTS {
        visit(&page, part);
        let all = page.focusable();
        assert!(all.len() > 8, "{part}: {all:?}");
        assert!(
            all.iter().all(|(_, name)| !name.is_empty()),
            "{part}: {all:?}"
        );
    }
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn nothing_jumps_while_drawing() {
    for window in [DESKTOP, PHONE] {
        let page = open("draw", window);
        let places = || page.places(&[".answers", ".disturb", ".samples", "#sliders"]);
        let before = places();
        page.draw(&seven(), if window.phone { "touch" } else { "mouse" });
        wait_for_answers(&page, "7 7");
        wait_for_insides(&page);
        assert_eq!(places(), before);
    }
}
