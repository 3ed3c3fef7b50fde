//! The drawing area: pointers and keys.

use crate::common::browser::DESKTOP;
use crate::{open, seven, wait_for_answers};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_digit_can_be_drawn_with_the_keyboard_alone() {
    let page = open("draw", DESKTOP);
    page.script("$('#pad').focus()");
    let (up, down) = ("\u{e013}", "\u{e015}");
    page.keys(&(up.repeat(8) + " " + &down.repeat(16) + " "));
    wait_for_answers(&page, "1 1");
    page.keys("\u{e00c}");
    wait_for_answers(&page, "");
    // Every control of the page can be reached with Tab.
    page.check(
        "$$('button, select, input, a, summary').every((e) => e.tabIndex >= 0 || e.closest('#result-grid'))",
    );
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_second_finger_does_not_draw_into_the_stroke_of_the_first() {
    let page = open("draw", DESKTOP);
    let first = page.on_pad(&seven()[0]);
    let up = (0..20).map(|i| (0.1, 0.9 - 0.01 * f64::from(i)));
    let second = page.on_pad(&up.collect::<Vec<_>>());
    // Ink in the left fifth, where the second finger is and the seven is not.
    let left = || {
        page.script(
            "const c = $('#pad'); const d = c.getContext('2d').getImageData(0, 0, c.width / 5, c.height).data; \
             return d.filter((v, at) => at % 4 === 0 && v > 0).length",
        )
    };
    page.strokes(&[&first, &second], "touch");
    wait_for_answers(&page, "7 7");
    assert_eq!(left(), 0);
    // Both lifted, the next stroke is one again.
    page.strokes(&[&second], "touch");
    assert_ne!(left(), 0);
    page.click("#undo");
    assert_eq!(left(), 0);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_key_that_is_held_down_puts_the_pen_down_once() {
    let page = open("draw", DESKTOP);
    page.script("$('#pad').focus()");
    for key in [" ", "Enter"] {
        // The key goes down, again and again while it is held, then once more and is held again.
        for (repeat, down) in [
            (false, true),
            (true, true),
            (true, true),
            (false, false),
            (true, false),
        ] {
            page.script(&format!(
                "$('#pad').dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', repeat: {repeat}, bubbles: true, cancelable: true }}))"
            ));
            page.check(&format!(
                "$('#pad-cursor').classList.contains('down') === {down}"
            ));
        }
    }
}
