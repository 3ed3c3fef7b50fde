//! Backpropagation: steps, fields, rules.

use crate::common::browser::{DESKTOP, PHONE, Page};
use crate::common::{app, serve};
use crate::visit;
use digits_verify::{Values, Worked};

/// The numbers in a column of the table of gradients.
fn column(page: &Page, at: usize) -> Vec<f64> {
    let script = format!(
        "return [...document.querySelectorAll('#gradients tbody tr')].map(r => Number(r.cells[{at}].textContent.replaceAll('−', '-')))"
    );
    let list = page.script(&script);
    list.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn agree(found: &[f64], expected: &[f64], digits: f64) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() <= digits)
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn one_backpropagation_step_is_the_one_that_verify_computes() {
    let server = serve(app());
    let page = Page::open(server.address, "backprop", DESKTOP);
    page.wait("document.querySelectorAll('#gradients tbody tr').length === 12");
    let worked = Worked::new(Values::default()).unwrap();
    assert!(
        agree(&column(&page, 2), &worked.gradient, 1e-9),
        "{:?}",
        column(&page, 2)
    );
    assert!(agree(&column(&page, 3), &worked.gradient, 1e-9), "autodiff");
    assert!(agree(&column(&page, 5), &worked.new, 1e-6), "announced");
    page.click("#one");
    page.wait("document.querySelector('#learned').dataset.steps === '1'");
    assert!(agree(&column(&page, 1), &worked.new, 1e-6), "taken");
    page.click("#backward");
    page.wait("document.querySelector('#rule').textContent.includes('δ₁')");
    page.click("[data-symbol=\"∂L/∂v₁₀\"]");
    page.wait("document.querySelector('#rule').textContent.includes('Autodiff')");
    page.click("#learn");
    page.wait("document.querySelector('#learned').textContent.includes('learned')");
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn a_field_keeps_the_focus_while_it_is_typed_into() {
    let server = serve(app());
    let page = Page::open(server.address, "backprop", DESKTOP);
    visit(&page, "backprop");
    page.script("const f = document.querySelector('input[aria-label=\"η\"]'); f.focus(); f.select(); window.field = f");
    page.keys("0.25");
    let mut values = Values {
        learning_rate: 0.25,
        ..Values::default()
    };
    let expected = Worked::new(values.clone()).unwrap().new;
    page.wait("document.querySelector('#gradients tbody tr').cells[5].textContent !== ''");
    page.until(|| agree(&column(&page, 5), &expected, 1e-6));
    page.check("document.activeElement === window.field && window.field.isConnected");
    page.check("window.field.value === '0.25'");
    // The next field, at once: the edit before it is not lost.
    page.script(
        "const f = document.querySelector('input[aria-label=\"x₁\"]'); f.focus(); f.select()",
    );
    page.keys("-2");
    values.input[0] = -2.0;
    let expected = Worked::new(values).unwrap().new;
    page.until(|| agree(&column(&page, 5), &expected, 1e-6));
    // What is invalid is marked, and gone when the field is left.
    page.keys("x");
    page.wait("document.activeElement.getAttribute('aria-invalid') === 'true'");
    page.script("document.activeElement.blur()");
    page.wait("document.querySelector('input[aria-label=\"x₁\"]').value === '−2'");
    // Steps show in the fields, though the form is not built anew.
    page.click("#ten");
    page.wait("document.querySelector('#learned').dataset.steps === '10'");
    let shown = page.script("return Number(document.querySelector('input[aria-label=\"v₁₀\"]').value.replace('−', '-'))");
    assert!((shown.as_f64().unwrap() - column(&page, 1)[0]).abs() < 1e-4);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn every_value_of_the_graph_opens_its_rule_and_nothing_jumps() {
    let server = serve(app());
    for window in [DESKTOP, PHONE] {
        let page = Page::open(server.address, "backprop", window);
        visit(&page, "backprop");
        let places = "return ['#graph', '#rule', '#values', '#lines', 'footer'].map(s => Math.round(document.querySelector(s).getBoundingClientRect().top + scrollY))";
        let before = page.script(places);
        for mode in ["forward", "backward"] {
            page.script(&format!("document.querySelector('#{mode}').click()"));
            let symbols = page.script(
                "return [...document.querySelectorAll('#graph [data-symbol]')].map(e => e.dataset.symbol)",
            );
            let symbols = symbols.as_array().unwrap();
            assert_eq!(symbols.len(), if mode == "forward" { 25 } else { 21 });
            for symbol in symbols {
                page.script(&format!(
                    "document.querySelector(`[data-symbol=\"${{{symbol}}}\"]`).dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
                ));
                let symbol = symbol.as_str().unwrap();
                let rule = page.text("#rule");
                assert!(
                    rule.contains(symbol) && rule.contains('='),
                    "{symbol}: {rule}"
                );
                match symbol.chars().next().unwrap() {
                    'x' | 't' => assert!(
                        rule.contains("given") && rule.contains("stands in"),
                        "{rule}"
                    ),
                    'v' | 'w' => assert!(
                        rule.contains(&format!("new {symbol} = {symbol} − η·∂L/∂{symbol}")),
                        "{rule}"
                    ),
                    _ => {}
                }
                assert_eq!(page.script(places), before, "{symbol}, {}", window.width);
            }
        }
    }
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn what_cannot_be_learned_is_said() {
    let server = serve(app());
    let page = Page::open(server.address, "backprop", DESKTOP);
    visit(&page, "backprop");
    // No sigmoid reaches 2.
    page.script("const f = document.querySelector('input[aria-label=\"t₁\"]'); f.value = '2'; f.dispatchEvent(new Event('input'))");
    page.click("#learn");
    page.wait("document.querySelector('#learned').textContent.startsWith('Not learned after 20,000 steps')");
}
