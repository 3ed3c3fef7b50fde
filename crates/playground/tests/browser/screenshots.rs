//! Pictures of every part, to be looked at: `just screenshots`.

use std::path::Path;

use crate::common::browser::{DESKTOP, PHONE, Window};
use crate::{PARTS, open, seven, visit, wait_for_answers, wait_for_insides, zero};

#[test]
#[ignore = "needs Chromium: just screenshots"]
fn every_part_on_phone_and_desktop_light_and_dark() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for (size, scheme, window) in [
        ("phone", "light", PHONE),
        (
            "phone",
            "dark",
            Window {
                dark: true,
                ..PHONE
            },
        ),
        ("desktop", "light", DESKTOP),
        (
            "desktop",
            "dark",
            Window {
                dark: true,
                ..DESKTOP
            },
        ),
    ] {
        let page = open("draw", window);
        for part in PARTS {
            visit(&page, part);
            match part {
                "draw" => {
                    let kind = if window.phone { "touch" } else { "mouse" };
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
                    page.script(
                        "$('[data-run^=\"run:\"]').click(); $('.matrix-box button').click()",
                    );
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
