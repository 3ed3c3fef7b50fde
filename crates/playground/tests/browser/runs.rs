//! Runs: a training in progress, confusion matrices.

use std::time::Duration;

use digits_train::Event;

use crate::common::browser::{DESKTOP, Page};
use crate::common::{app_on, fixture, small_run, small_run_watched};
use crate::{break_address, mend};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_training_in_another_process_grows_on_the_page_and_is_then_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(app_on(folder.path()), "runs", DESKTOP);
    page.wait("$$('.run').length === 2");
    let run = folder.path().join("new");
    std::thread::scope(|scope| {
        let training = scope.spawn(|| {
            small_run_watched("mlp", 5, &fixture().data, &run, &mut |event| {
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
            let points = page.script("return $$('#run-detail circle').length");
            seen.push(points.as_u64().unwrap());
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
fn why_there_is_no_confusion_matrix_stands_beside_its_button() {
    let folder = tempfile::tempdir().unwrap();
    small_run("mlp", 1, &fixture().data, &folder.path().join("run"));
    let page = Page::open(app_on(folder.path()), "runs", DESKTOP);
    page.wait("$('[data-run=\"run:run\"]')");
    page.click("[data-run=\"run:run\"]");
    page.wait("$('#run-detail .matrix-box button')");
    break_address(&page, "/api/evaluation", "fetch the data first");
    page.click("#run-detail .matrix-box button");
    page.wait("$('.failure').textContent === 'fetch the data first'");
    page.check("$('#problem').hidden");
    mend(&page);
    page.click("#run-detail .matrix-box button");
    page.wait("$$('.matrix tbody td').length === 100");
}
