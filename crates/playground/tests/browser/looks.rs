//! For everyone: phones, contrast, names, nothing that jumps; pictures of it all.

use std::path::Path;

use serde_json::json;

use crate::common::browser::{DESKTOP, PHONE, Window};
use crate::{PARTS, open, seven, visit, wait_for_answers, wait_for_insides, zero};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn on_phones_nothing_is_wider_than_the_screen_and_a_finger_draws_while_nothing_jumps() {
    for width in [320, 360, 390] {
        let page = open("draw", Window { width, ..PHONE });
        let places = || page.places(&[".answers", ".disturb", ".samples", "#sliders"]);
        let before = places();
        page.draw(&seven(), "touch");
        wait_for_answers(&page, "7 7");
        wait_for_insides(&page);
        // On narrower ones the answers' text wraps.
        assert!(width < PHONE.width || places() == before);
        for part in PARTS {
            visit(&page, part);
            let widths = page.numbers("[document.documentElement.scrollWidth, innerWidth]");
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

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn light_and_dark_have_enough_contrast_and_all_that_can_be_focused_has_a_name() {
    for dark in [false, true] {
        let page = open("draw", Window { dark, ..DESKTOP });
        page.draw(&seven(), "mouse");
        wait_for_answers(&page, "7 7");
        let ground = page
            .numbers("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)");
        assert_eq!(ground[0] < 100.0, dark);
        for part in PARTS {
            visit(&page, part);
            let names = page.focusable();
            let is_named = |name: &String| !name.trim().is_empty();
            assert!(
                names.len() > 8 && names.iter().all(is_named),
                "{part}: {names:?}"
            );
            // Every cell of the result filled in; every badge that a run can have.
            page.script(match part {
                "filters" => "for (let n = 0; n < 9; n++) $('#step').click()",
                "runs" => {
                    "const b = $$('.run .badge'); b[0].className = 'badge training'; b[1].className = 'badge stopped'; $('#run-detail .badge').className = 'badge training'"
                }
                _ => "",
            });
            let found = page.script(include_str!("contrast.js"));
            for (at, what, least) in [(0, "text", 4.5), (1, "edges", 3.0)] {
                let contrast = found[at][0].as_f64().unwrap();
                assert!(contrast >= least, "{what} of {part}, dark: {dark}: {found}");
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
#[ignore = "needs Chromium: just screenshots"]
fn screenshots_of_every_part_on_phone_and_desktop_light_and_dark() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for (size, scheme, window, dark) in [
        ("phone", "light", PHONE, false),
        ("phone", "dark", PHONE, true),
        ("desktop", "light", DESKTOP, false),
        ("desktop", "dark", DESKTOP, true),
    ] {
        let page = open("draw", Window { dark, ..window });
        let kind = if window.phone { "touch" } else { "mouse" };
        for part in PARTS {
            visit(&page, part);
            match part {
                "draw" => {
                    // More strokes than one digit has, so that the time shown is a fair one.
                    for _ in 0..3 {
                        page.draw(&zero(), kind);
                        wait_for_answers(&page, "0 0");
                        page.press("#clear", kind);
                        wait_for_answers(&page, "");
                    }
                    page.draw(&seven(), kind);
                    wait_for_insides(&page);
                }
                "filters" => {
                    page.script("for (let n = 0; n < 4; n++) $('#step').click()");
                }
                "backprop" => {
                    page.script("$('#ten').click()");
                    page.wait("$('#learned').dataset.steps === '10'");
                }
                _ => {
                    let matrix =
                        "$('[data-run=\"run:cnn\"]').click(); $('.matrix-box button').click()";
                    page.script(matrix);
                    page.wait("$$('.matrix td').length === 100");
                }
            }
            if (part, size, scheme) == ("draw", "desktop", "light") {
                // The README's.
                page.screenshot(&folder.join("playground.png"), ".inside");
            }
            page.screenshot(&folder.join(format!("{part}-{size}-{scheme}.png")), "body");
        }
    }
    println!("written to {}", folder.display());
}
