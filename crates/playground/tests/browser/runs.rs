//! Runs: a training in progress, confusion matrices.

use std::time::Duration;

use digits_train::Event;

use crate::common::browser::{DESKTOP, Page};
use crate::common::{app_on, fixture, serve, small_run, small_run_watched};
use crate::{break_address, mend};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_training_in_another_process_grows_on_the_page_and_is_then_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(app_on(folder.path()));
    let page = Page::open(server.address, "runs", DESKTOP);
    page.wait("document.querySelectorAll('.run').length === 2");
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
        page.wait("document.querySelector('[data-run=\"run:new\"] .badge.training')");
        page.click("[data-run=\"run:new\"]");
        page.wait("document.querySelector('#run-detail .badge.training')");
        let points = "document.querySelectorAll('#run-detail circle').length";
        let mut seen = Vec::new();
        while !training.is_finished() {
            let count = page.script(&format!("return {points}")).as_u64().unwrap();
            if seen.last() != Some(&count) {
                seen.push(count);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(seen.len() >= 3, "it grows while it trains: {seen:?}");
        assert!(seen.is_sorted(), "{seen:?}");
        // Two charts, two curves each, five epochs.
        page.wait(&format!("{points} === 20"));
    });
    page.wait("document.querySelector('[data-run=\"run:new\"] .badge.finished')");
    page.check("document.querySelectorAll('#run-detail polyline.dashed').length === 2");
    page.click("#run-detail .matrix-box button");
    page.wait("document.querySelectorAll('.matrix tbody td').length === 100");
    let sum = page.script("return [...document.querySelectorAll('.matrix td')].reduce((s, e) => s + Number(e.textContent), 0)");
    assert_eq!(sum, 300);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn why_there_is_no_confusion_matrix_stands_beside_its_button() {
    let folder = tempfile::tempdir().unwrap();
    small_run("mlp", 1, &fixture().data, &folder.path().join("run"));
    let server = serve(app_on(folder.path()));
    let page = Page::open(server.address, "runs", DESKTOP);
    page.wait("document.querySelector('[data-run=\"run:run\"]')");
    page.click("[data-run=\"run:run\"]");
    page.wait("document.querySelector('#run-detail .matrix-box button')");
    break_address(&page, "/api/evaluation", "fetch the data first");
    page.click("#run-detail .matrix-box button");
    page.wait("document.querySelector('.failure').textContent === 'fetch the data first'");
    page.check("document.querySelector('#problem').hidden");
    mend(&page);
    page.click("#run-detail .matrix-box button");
    page.wait("document.querySelectorAll('.matrix tbody td').length === 100");
}
