//! Filters: stepping, dragging, pictures.

use crate::common::browser::{DESKTOP, PHONE, Page};
use crate::common::{app, serve};
use crate::visit;
use digits_verify::filter::{sheet_filters, sheet_image};

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
fn the_sum_is_written_as_products_as_their_values_and_as_a_number() {
    let server = serve(app());
    let page = Page::open(server.address, "filters", DESKTOP);
    visit(&page, "filters");
    // The sheet: 1·5 + 0·5 − 1·2 + 2·5 + 0·5 − 2·2 + 1·7 + 0·7 − 1·5 = 11.
    assert_eq!(
        page.text("#sum"),
        "1·5 + 0·5 + (−1)·2 + 2·5 + 0·5 + (−2)·2 + 1·7 + 0·7 + (−1)·5 = 5 + 0 − 2 + 10 + 0 − 4 + 7 + 0 − 5 = 11"
    );
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_larger_kernel_has_as_many_zeros_around_the_image_as_it_needs() {
    let server = serve(app());
    let page = Page::open(server.address, "filters", DESKTOP);
    visit(&page, "filters");
    // No preset is 5×5: the page is told of one.
    page.script(
        "const sound = fetch; window.fetch = (path, options) => { \
         if (path === '/api/window') { const q = JSON.parse(options.body); q.kernel = Array(5).fill(Array(5).fill(1)); options = { ...options, body: JSON.stringify(q) }; } \
         return sound(path, options); }; \
         const p = document.querySelector('#padding'); p.value = 'same'; p.dispatchEvent(new Event('change'))",
    );
    page.wait("document.querySelectorAll('.zero-cell').length === 9 * 9 - 25");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_picture_is_filtered_by_its_grey_values_and_none_replaces_the_page() {
    let server = serve(app());
    let page = Page::open(server.address, "filters", DESKTOP);
    visit(&page, "filters");
    // A picture of 6×4: pure green, whose grey is 0.7152 · 255 = 182.
    page.script(
        "const c = new OffscreenCanvas(6, 4); const x = c.getContext('2d'); x.fillStyle = '#0f0'; x.fillRect(0, 0, 6, 4); \
         c.convertToBlob({ type: 'image/png' }).then((blob) => { \
           const data = new DataTransfer(); data.items.add(new File([blob], 'green.png', { type: 'image/png' })); \
           document.querySelector('#on-picture').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); })",
    );
    page.wait("document.querySelector('#picture-size').textContent === 'green.png, 4×6'");
    let grey = page.script(
        "return [...document.querySelector('#picture').getContext('2d').getImageData(2, 2, 1, 1).data]",
    );
    assert_eq!(grey, serde_json::json!([182, 182, 182, 255]));
    page.script("const s = document.querySelector('#kernel-preset'); s.value = 'identity'; s.dispatchEvent(new Event('change'))");
    page.wait(
        "document.querySelector('#filtered-range').textContent.includes('2×4, 182.4 to 182.4')",
    );
    // Dropped beside its place it must not become the page.
    for kind in ["dragover", "drop"] {
        let prevented = page.script(&format!(
            "const data = new DataTransfer(); data.items.add(new File(['x'], 'x.png', {{ type: 'image/png' }})); \
             return !document.body.dispatchEvent(new DragEvent('{kind}', {{ dataTransfer: data, bubbles: true, cancelable: true }}))"
        ));
        assert_eq!(prevented, true, "{kind}");
    }
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn nothing_jumps_while_stepping_and_choosing() {
    let server = serve(app());
    for window in [DESKTOP, PHONE] {
        let page = Page::open(server.address, "filters", window);
        visit(&page, "filters");
        let places = "return ['#equation', '.player', '.sum', '.sum + p', '#on-picture', 'footer'].map(s => Math.round(document.querySelector(s).getBoundingClientRect().top + scrollY))";
        let before = page.script(places);
        for _ in 0..8 {
            page.script("document.querySelector('#step').click()");
            assert_eq!(page.script(places), before, "stepping, {}", window.width);
        }
        for kind in ["image", "kernel"] {
            let names = page.script(&format!(
                "return [...document.querySelectorAll('#{kind}-preset option:not(:disabled)')].map(o => o.value)"
            ));
            for name in names.as_array().unwrap() {
                page.script(&format!(
                    "const s = document.querySelector('#{kind}-preset'); s.value = {name}; s.dispatchEvent(new Event('change')); document.querySelector('#place').textContent = ''"
                ));
                page.wait("document.querySelector('#place').textContent === 'window 1 of 9'");
                assert_eq!(page.script(places), before, "{name}, {}", window.width);
            }
        }
    }
}
