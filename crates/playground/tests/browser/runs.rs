//! Runs: a training in progress, confusion matrices, data of another shape.

use std::time::Duration;

use digits_train::Event;

use crate::common::browser::{DESKTOP, Page};
use crate::common::{app_on, fixture, small_run};
use crate::{break_address, mend, open, seven};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_training_in_another_process_grows_on_the_page_and_is_then_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(app_on(folder.path()), "runs", DESKTOP);
    page.wait("$$('.run').length === 2");
    let run = folder.path().join("new");
    std::thread::scope(|scope| {
        let training = scope.spawn(|| {
            small_run("mlp", 5, &fixture().data, &run, &mut |event| {
                if matches!(event, Event::Epoch { .. }) {
                    // Long enough that the page, which asks every 1.5 s, sees every epoch.
                    std::thread::sleep(Duration::from_secs(2));
                }
            });
        });
        page.wait("$('[data-run=\"run:new\"] .badge.training')");
        page.click("[data-run=\"run:new\"]");
        page.wait("$('#run-detail .badge.training')");
        let mut seen = Vec::new();
        while !training.is_finished() {
            seen.push(page.numbers("[$$('#run-detail circle').length]")[0]);
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(seen.is_sorted(), "{seen:?}");
        seen.dedup();
        assert!(seen.len() >= 3, "it grows while it trains: {seen:?}");
        // Two charts, two curves each, five epochs.
        page.wait("$$('#run-detail circle').length === 20");
    });
    page.wait("$('[data-run=\"run:new\"] .badge.finished')");
    page.check("$$('#run-detail polyline.dashed').length === 2");
    page.click("#run-detail .matrix-box button");
    page.wait("$$('.matrix tbody td').length === 100");
    page.check("$$('.matrix td').reduce((sum, e) => sum + Number(e.textContent), 0) === 300");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_network_of_another_size_has_its_own_bars_saliency_and_matrix_or_why_there_is_none() {
    let page = open("draw", DESKTOP);
    page.choose("#network-b", "run:other");
    page.wait("$$('.network.b .bars li').length === 3");
    page.draw(&seven(), "mouse");
    page.wait("$$('.network.b .bars .best').length === 1");
    page.wait("$$('#saliency canvas')[1].width === 20");
    let sizes = page.numbers("$$('#saliency canvas').flatMap((c) => [c.width, c.height])");
    assert_eq!(sizes, [28.0, 28.0, 20.0, 12.0]);

    page.go("runs");
    page.wait("$('[data-run=\"run:other\"]')");
    page.click("[data-run=\"run:other\"]");
    page.wait("$('#run-detail .matrix-box button')");
    break_address(&page, "/api/evaluation", "fetch the data first");
    page.click("#run-detail .matrix-box button");
    // Beside the button.
    page.wait("$('.failure').textContent === 'fetch the data first'");
    page.check("$('#problem').hidden");
    mend(&page);
    page.click("#run-detail .matrix-box button");
    page.wait("$$('.matrix tbody td').length === 9");
}
