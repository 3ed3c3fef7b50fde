use serde_json::{Map, Value, json};

use crate::report::Report;

/// The report as one JSON document: `passed`, `checks`, `not_checked`, `filters` (the integer
/// results by name), `derivation`, `evidence`, `seconds`, and `mutants` if they were tried. An
/// error that is not a finite number is `null`, and then `passed` is false.
pub fn json(report: &Report) -> Value {
    let mut document = json!({
        "passed": report.passed(),
        "checks": report.checks().collect::<Vec<_>>(),
        "not_checked": report.not_checked,
        "seconds": report.seconds,
    });
    let mut put = |key: &str, value: Value| {
        document[key] = value;
    };
    if let Some(filters) = &report.filters {
        let results = filters
            .results
            .iter()
            .map(|(filter, result)| (filter.name.to_owned(), json!(result)));
        put("filters", Value::Object(results.collect::<Map<_, _>>()));
        put("image", json!(filters.image));
        put("evidence", json!(filters.evidence));
    }
    if let Some(backprop) = &report.backprop {
        put("derivation", json!(backprop.worked));
    }
    if let Some(mutants) = &report.mutants {
        put("mutants", json!(mutants));
    }
    document
}
