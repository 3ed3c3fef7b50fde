//! Backpropagation: steps, fields, rules.

use digits_verify::{Values, Worked};

use crate::common::browser::{DESKTOP, PHONE, Page};
use crate::{open, visit};

/// The numbers in a column of the table of gradients.
fn column(page: &Page, at: usize) -> Vec<f64> {
    page.numbers(&format!(
        "$$('#gradients tbody tr').map((row) => Number(row.cells[{at}].textContent.replaceAll('−', '-')))"
    ))
}

/// Waits until a column shows these numbers.
fn wait_for_column(page: &Page, at: usize, expected: &[f64], within: f64) {
    let close = |(found, expected): (&f64, &f64)| (found - expected).abs() <= within;
    page.until(&format!("column {at} is {expected:?}"), || {
        let found = column(page, at);
        found.len() == expected.len() && found.iter().zip(expected).all(close)
    });
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn steps_are_those_of_verify_and_what_cannot_be_learned_is_said() {
    let page = open("backprop", DESKTOP);
    let worked = Worked::new(Values::default()).unwrap();
    // By hand, by autodiff, and the parameters that the step is going to give.
    wait_for_column(&page, 2, &worked.gradient, 1e-9);
    wait_for_column(&page, 3, &worked.gradient, 1e-9);
    wait_for_column(&page, 5, &worked.new, 1e-6);
    page.click("#one");
    page.wait("$('#learned').dataset.steps === '1'");
    wait_for_column(&page, 1, &worked.new, 1e-6);
    for (button, shown) in [
        ("#backward", "$('#rule').textContent.includes('δ₁')"),
        (
            "[data-symbol=\"∂L/∂v₁₀\"]",
            "$('#rule').textContent.includes('Autodiff')",
        ),
        ("#learn", "$('#learned').textContent.includes('learned')"),
    ] {
        page.click(button);
        page.wait(shown);
    }
    // No sigmoid reaches 2.
    page.set("input[aria-label=\"t₁\"]", "2");
    page.click("#learn");
    page.wait("$('#learned').textContent.startsWith('Not learned after 20,000 steps')");

    page.reload();
    visit(&page, "backprop");
    a_field_keeps_the_focus_while_it_is_typed_into(&page);
}

fn a_field_keeps_the_focus_while_it_is_typed_into(page: &Page) {
    let focus = |name: &str| {
        page.script(&format!(
            "window.field = $('input[aria-label=\"{name}\"]'); window.field.focus(); window.field.select()"
        ));
    };
    let mut values = Values::default();
    focus("η");
    page.keys("0.25");
    values.learning_rate = 0.25;
    wait_for_column(page, 5, &Worked::new(values.clone()).unwrap().new, 1e-6);
    page.check("document.activeElement === window.field && window.field.isConnected");
    page.check("window.field.value === '0.25'");
    // The next field, at once: the edit before it is not lost.
    focus("x₁");
    page.keys("-2");
    values.input[0] = -2.0;
    wait_for_column(page, 5, &Worked::new(values).unwrap().new, 1e-6);
    // What is invalid is marked, and gone when the field is left.
    page.keys("x");
    page.wait("document.activeElement.getAttribute('aria-invalid') === 'true'");
    page.script("document.activeElement.blur()");
    page.wait("$('input[aria-label=\"x₁\"]').value === '−2'");
    // Steps show in the fields, though the form is not built anew.
    page.click("#ten");
    page.wait("$('#learned').dataset.steps === '10'");
    let shown = page.numbers("[Number($('input[aria-label=\"v₁₀\"]').value.replace('−', '-'))]");
    assert!((shown[0] - column(page, 1)[0]).abs() < 1e-4);
}

#[test]
#[ignore = "needs Chromium: just test-browser"]
fn every_value_of_the_graph_opens_its_rule_and_nothing_jumps() {
    for window in [DESKTOP, PHONE] {
        let page = open("backprop", window);
        let places = || page.places(&["#graph", "#rule", "#values", "#lines", "footer"]);
        let before = places();
        for (mode, count) in [("forward", 25), ("backward", 21)] {
            page.script(&format!("$('#{mode}').click()"));
            let symbols = page.get("$$('#graph [data-symbol]').map((e) => e.dataset.symbol)");
            let symbols = symbols.as_array().unwrap();
            assert_eq!(symbols.len(), count);
            for symbol in symbols {
                page.script(&format!(
                    "$(`[data-symbol=\"${{{symbol}}}\"]`).dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"
                ));
                let symbol = symbol.as_str().unwrap();
                let step = format!("new {symbol} = {symbol} − η·∂L/∂{symbol}");
                let parts = match symbol.chars().next().unwrap() {
                    'x' | 't' => ["given", "stands in"],
                    'v' | 'w' => [&step, "="],
                    _ => ["", "="],
                };
                let rule = page.text("#rule");
                for part in [&parts[..], &[symbol, "="]].concat() {
                    assert!(rule.contains(part), "{symbol}: {rule}");
                }
                assert_eq!(places(), before, "{symbol}, {}", window.width);
            }
        }
    }
}
