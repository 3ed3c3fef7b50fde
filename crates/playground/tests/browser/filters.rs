//! Filters: stepping, dragging, pictures.

use digits_verify::filter::{sheet_filters, sheet_image};
use serde_json::json;

use crate::common::browser::{DESKTOP, PHONE};
use crate::common::list;
use crate::{intercept, mend, open};

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn stepping_and_dragging_a_filter_over_the_image_gives_the_sheets_result() {
    let page = open("filters", DESKTOP);
    // The sheet: 1·5 + 0·5 − 1·2 + 2·5 + 0·5 − 2·2 + 1·7 + 0·7 − 1·5 = 11.
    assert_eq!(
        page.text("#sum"),
        "1·5 + 0·5 + (−1)·2 + 2·5 + 0·5 + (−2)·2 + 1·7 + 0·7 + (−1)·5 = 5 + 0 − 2 + 10 + 0 − 4 + 7 + 0 − 5 = 11"
    );
    page.strokes(
        &[&page.on("#image-grid", &[0.1, 0.3, 0.5].map(|at| (at, at)))],
        "mouse",
    );
    page.wait("$('#place').textContent === 'window 5 of 9'");
    page.script("$('#result-grid .here').focus()");
    page.keys("\u{e014}\u{e015}");
    page.wait("$('#place').textContent === 'window 9 of 9'");
    for filter in sheet_filters() {
        let result = filter.apply(&sheet_image()).unwrap();
        let written = |value: &i64| value.to_string().replace('-', "−");
        let expected: Vec<String> = result.values().iter().map(written).collect();
        let name = filter.name;
        page.script("$('#place').textContent = ''");
        page.choose("#kernel-preset", name);
        page.wait(&format!(
            "$('#preset-says').textContent.toLowerCase().startsWith('{name}') && $('#place').textContent === 'window 1 of 9'"
        ));
        page.wait("$$('#result-grid button').map((e) => e.textContent !== '').join() === [true, ...Array(8).fill(false)].join()");
        for _ in 0..8 {
            page.click("#step");
        }
        let cells = page.get("$$('#result-grid button').map((e) => e.textContent)");
        assert_eq!(cells, json!(expected), "{name}");
        let sum = page.text("#sum");
        assert!(sum.ends_with(&format!("= {}", expected[8])), "{sum}");
    }
    // An edited cell counts at once, and padding makes the result as large as the image.
    page.set("#image-grid input", "100");
    page.choose("#padding", "same");
    page.wait("$$('#result-grid button').length === 25");
    // Laplacian at the corner: −4 · 100 + 5 + 5.
    page.wait("$('#result-grid button').textContent === '−390'");
    // A larger kernel has as many zeros around the image as it needs. No preset is 5×5: the page
    // is told of one.
    intercept(
        &page,
        "/api/window",
        "const q = JSON.parse(options.body); q.kernel = Array(5).fill(Array(5).fill(1)); options = { ...options, body: JSON.stringify(q) };",
    );
    page.set("#image-grid input", "99");
    page.wait("$$('.zero-cell').length === 9 * 9 - 25");
    mend(&page);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_picture_is_filtered_by_its_grey_values_and_none_replaces_the_page() {
    let page = open("filters", DESKTOP);
    // A picture of 6×4: pure green, whose grey is 0.7152 · 255 = 182.
    page.script(
        "const c = new OffscreenCanvas(6, 4); const x = c.getContext('2d'); x.fillStyle = '#0f0'; x.fillRect(0, 0, 6, 4); \
         c.convertToBlob({ type: 'image/png' }).then((blob) => { \
           const data = new DataTransfer(); data.items.add(new File([blob], 'green.png', { type: 'image/png' })); \
           $('#on-picture').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); })",
    );
    page.wait("$('#picture-size').textContent === 'green.png, 4×6'");
    let grey = page.get("[...$('#picture').getContext('2d').getImageData(2, 2, 1, 1).data]");
    assert_eq!(grey, json!([182, 182, 182, 255]));
    page.choose("#kernel-preset", "identity");
    page.wait("$('#filtered-range').textContent.includes('2×4, 182.4 to 182.4')");
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
    for window in [DESKTOP, PHONE] {
        let page = open("filters", window);
        let shown = [
            "#equation",
            ".player",
            ".sum",
            ".sum + p",
            "#on-picture",
            "footer",
        ];
        let before = page.places(&shown);
        for _ in 0..8 {
            page.script("$('#step').click()");
            assert_eq!(page.places(&shown), before, "stepping, {}", window.width);
        }
        for select in ["#image-preset", "#kernel-preset"] {
            let options = format!("$$('{select} option:not(:disabled)').map((o) => o.value)");
            for name in list(&page.get(&options)) {
                page.script("$('#place').textContent = ''");
                page.choose(select, name.as_str().unwrap());
                page.wait("$('#place').textContent === 'window 1 of 9'");
                assert_eq!(page.places(&shown), before, "{name}, {}", window.width);
            }
        }
    }
}
