//! The drawing area: pointers and keys.

use crate::common::browser::{DESKTOP, Page};
use crate::common::{app, serve};
use crate::{seven, visit};

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
fn a_second_finger_does_not_draw_into_the_stroke_of_the_first() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", DESKTOP);
    visit(&page, "draw");
    let first = page.on_pad(&seven()[0]);
    let second: Vec<(f64, f64)> = page.on_pad(
        &(0..20)
            .map(|i| (0.1, 0.9 - 0.01 * f64::from(i)))
            .collect::<Vec<_>>(),
    );
    // Ink in the left fifth, where the second finger is and the seven is not.
    let left = "const c = document.querySelector('#pad'); const d = c.getContext('2d').getImageData(0, 0, c.width / 5, c.height).data; return d.filter((v, at) => at % 4 === 0 && v > 0).length";
    page.strokes(&[&first, &second], "touch");
    page.wait("document.querySelector('#verdict').dataset.labels === '7 7'");
    assert_eq!(page.script(left), 0);
    // Both lifted, the next stroke is one again.
    page.strokes(&[&second], "touch");
    assert_ne!(page.script(left), 0);
    page.click("#undo");
    assert_eq!(page.script(left), 0);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_key_that_is_held_down_puts_the_pen_down_once() {
    let server = serve(app());
    let page = Page::open(server.address, "draw", DESKTOP);
    visit(&page, "draw");
    page.script("document.querySelector('#pad').focus()");
    let press = |key: &str, repeat: bool| {
        page.script(&format!(
            "document.querySelector('#pad').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', repeat: {repeat}, bubbles: true, cancelable: true }}))"
        ));
    };
    let down =
        || page.script("return document.querySelector('#pad-cursor').classList.contains('down')");
    for key in [" ", "Enter"] {
        press(key, false);
        for _ in 0..3 {
            press(key, true);
            assert_eq!(down(), true, "{key:?}");
        }
        press(key, false);
        press(key, true);
        assert_eq!(down(), false, "{key:?}");
    }
}
