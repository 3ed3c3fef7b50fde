//! Pictures of every part, to be looked at: `just screenshots`.

use std::path::Path;

use crate::common::browser::{DESKTOP, PHONE, Page, Window};
use crate::common::{app, serve};
use crate::{PARTS, seven, visit, zero};

#[test]
#[ignore = "needs Chromium: just screenshots"]
fn every_part_on_phone_and_desktop_light_and_dark() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let server = serve(app());
    for (size, window) in [("phone", PHONE), ("desktop", DESKTOP)] {
        for (scheme, dark) in [("light", false), ("dark", true)] {
            let page = Page::open(server.address, "draw", Window { dark, ..window });
            for part in PARTS {
                visit(&page, part);
                match part {
                    "draw" => {
                        let kind = if window.phone { "touch" } else { "mouse" };
                        // More strokes than one digit has, so that the time shown is a fair one.
                        for _ in 0..3 {
                            page.draw(&zero(), kind);
                            page.wait(
                                "document.querySelector('#verdict').dataset.labels === '0 0'",
                            );
                            page.press("#clear", kind);
                            page.wait("document.querySelector('#verdict').dataset.labels === ''");
                        }
                        page.draw(&seven(), kind);
                        page.wait("document.querySelector('#reach-noise').textContent !== ''");
                        page.wait("document.querySelectorAll('#maps canvas').length === 2");
                    }
                    "filters" => {
                        page.script(
                            "for (let n = 0; n < 4; n++) document.querySelector('#step').click()",
                        );
                    }
                    "backprop" => {
                        page.script("document.querySelector('#ten').click()");
                        page.wait("document.querySelector('#learned').dataset.steps === '10'");
                    }
                    _ => {
                        page.script("document.querySelector('[data-run^=\"run:\"]').click(); document.querySelector('.matrix-box button').click()");
                        page.wait("document.querySelectorAll('.matrix td').length === 100");
                    }
                }
                if (part, size, dark) == ("draw", "desktop", false) {
                    // The README's.
                    page.screenshot(&folder.join("playground.png"), ".inside");
                }
                page.screenshot(&folder.join(format!("{part}-{size}-{scheme}.png")), "body");
            }
        }
    }
    println!("written to {}", folder.display());
}
