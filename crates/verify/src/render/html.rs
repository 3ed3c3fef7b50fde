use super::{bound, error, svg, verdict};
use crate::colors::Palette;
use crate::report::{Backprop, Filters, Report};
use crate::worked::number;

/// The report as one self-contained page: no script, no font and no picture from outside.
pub fn html(report: &Report) -> String {
    let mut body = String::new();
    let (class, mark) = if report.passed() {
        ("good", "✓")
    } else {
        ("bad", "✗")
    };
    body += &format!(
        "<p class='verdict {class}'><b>{mark}</b> {}</p>",
        escape(&verdict(report))
    );
    for missing in &report.not_checked {
        body += &format!(
            "<p class='verdict none'><b>○</b> {}: not checked: {}</p>",
            escape(&missing.name),
            escape(&missing.reason)
        );
    }
    if let Some(part) = &report.backprop {
        body += &backprop(part);
    }
    if let Some(part) = &report.filters {
        body += &filters(part);
    }
    body += &checks(report);
    format!(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width,initial-scale=1'>\
         <title>digits verify</title><style>{STYLE}</style></head><body><main><h1>The hand-derived mathematics, checked</h1>{body}</main></body></html>\n"
    )
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}

fn backprop(part: &Backprop) -> String {
    let worked = &part.worked;
    let mut text = format!(
        "<h2>4-1 Backpropagation</h2>{FORMULAS}<figure>{}<figcaption>The network of the worked example. Orange weights are positive, blue ones negative.</figcaption></figure>",
        svg::network(worked)
    );
    text += "<h3>With numbers</h3>";
    for section in &worked.sections {
        text += &format!(
            "<h4>{}</h4><p>{}</p><div class='wide'><table class='steps'>",
            section.title,
            escape(&section.why)
        );
        for step in &section.steps {
            text += &format!(
                "<tr><th>{}</th><td>= {}</td><td>= {}</td><td class='n'>= {}</td></tr>",
                escape(&step.symbol),
                escape(&step.formula),
                escape(&step.numbers),
                number(step.value)
            );
        }
        text += "</table></div>";
    }
    text += &format!(
        "<p>The step takes the loss from <b>{}</b> to <b>{}</b>.</p>",
        number(worked.loss),
        number(worked.loss_after)
    );
    text += "<h3>The same gradient from independent engines</h3><div class='wide'><table class='engines'><tr><th></th>";
    text += &part
        .engines
        .iter()
        .map(|(name, _)| format!("<th class='n'>{}</th>", escape(name)))
        .collect::<String>();
    text += "</tr>";
    for (index, name) in worked.names.iter().enumerate() {
        text += &format!("<tr><th>∂L/∂{name}</th>");
        for (_, values) in &part.engines {
            text += &values.get(index).map_or_else(
                || "<td>missing</td>".to_owned(),
                |v| format!("<td class='n'>{v:.14}</td>"),
            );
        }
        text += "</tr>";
    }
    text += &format!(
        "</table></div><div class='pair'><figure>{}<figcaption>Central differences of the worked network: too large a step is wrong by h², too small a one by rounding. The check takes the best.</figcaption></figure>",
        svg::sweep(&part.sweep)
    );
    let worst = part.training.iter().map(|run| {
        let worst = run.differences.iter().copied().fold(0.0, f64::max);
        format!("{}: {}", escape(&run.device), error(worst))
    });
    text += &format!(
        "<figure>{}<figcaption>A 2-2-2 network trained by the hand rules. Burn's SGD, started from the same weights, never leaves it; the largest difference of any parameter in any step is {}.</figcaption></figure></div>",
        svg::training(&part.training),
        worst.collect::<Vec<_>>().join(", ")
    );
    text
}

fn filters(part: &Filters) -> String {
    let mut text = format!("<h2>4-2 Filters</h2>{CORRELATION}");
    for (((filter, result), evidence), learned) in
        part.results.iter().zip(&part.evidence).zip(&part.learned)
    {
        text += &format!(
            "<h3>{}</h3><p>{}</p><div class='row'><figure>{}<figcaption>image</figcaption></figure><span class='op'>⋆</span>\
             <figure>{}<figcaption>kernel</figcaption></figure><span class='op'>=</span><figure>{}<figcaption>result</figcaption></figure></div>",
            filter.name,
            evidence.answer,
            svg::heat_map(&part.image, Palette::Gray, "image"),
            svg::heat_map(&filter.kernel, Palette::Signed, "kernel"),
            svg::heat_map(result, Palette::Signed, "result"),
        );
        text += &format!(
            "<details open><summary>The evidence: {} facts</summary><div class='wide'><table class='facts'>",
            evidence.facts.len()
        );
        for fact in &evidence.facts {
            let mark = if fact.holds {
                "<b class='good'>✓</b>"
            } else {
                "<b class='bad'>✗</b>"
            };
            text += &format!(
                "<tr><td>{mark}</td><td>{}</td><td class='code'>{}</td></tr>",
                escape(&fact.claim),
                escape(&fact.found).replace('-', "−")
            );
        }
        let rows: Vec<String> = learned
            .kernel
            .iter_rows()
            .map(|row| {
                row.iter()
                    .map(|v| number((v * 1e4).round() / 1e4))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        text += &format!(
            "</table></div></details><p>Learned back from eight random images and their results, starting from zero, in {} steps of gradient descent: <span class='code'>{}</span> (largest error {}).</p>",
            learned.steps,
            rows.join(" ; "),
            error(learned.error)
        );
    }
    text
}

fn checks(report: &Report) -> String {
    let mut text = "<h2>Every check</h2>".to_owned();
    for group in &report.groups {
        let (class, mark) = if group.passed() {
            ("good", "✓")
        } else {
            ("bad", "✗")
        };
        let passed = group.checks.iter().filter(|check| check.passed).count();
        text += &format!(
            "<details{}><summary><b class='{class}'>{mark}</b> {} <span class='dim'>{passed}/{}, max error {}, tolerance {}</span></summary><div class='wide'><table class='checks'>",
            if group.passed() { "" } else { " open" },
            escape(&group.title),
            group.checks.len(),
            error(group.max_error()),
            bound(group.tolerance())
        );
        for check in &group.checks {
            let (class, mark) = if check.passed {
                ("good", "✓")
            } else {
                ("bad", "✗")
            };
            text += &format!(
                "<tr><td><b class='{class}'>{mark}</b></td><td>{}</td><td class='n'>{}</td><td class='n'>{}</td></tr>",
                escape(&check.name),
                error(check.max_error),
                bound(check.tolerance)
            );
        }
        text += "</table></div></details>";
    }
    if let Some(mutants) = &report.mutants {
        text += "<h2>Mutants</h2><p>Rules that are wrong on purpose. A check that lets one pass proves nothing.</p><div class='wide'><table class='facts'>";
        for mutant in mutants {
            let (class, mark) = if mutant.caught {
                ("good", "caught")
            } else {
                ("bad", "NOT caught")
            };
            text += &format!(
                "<tr><td><b class='{class}'>{mark}</b></td><td>{}</td><td>{}</td><td>{}</td><td class='n'>{}</td></tr>",
                escape(mutant.name),
                escape(mutant.rule),
                mutant
                    .caught_by
                    .map_or_else(String::new, |by| format!("by {by}")),
                error(mutant.error)
            );
        }
        text += "</table></div>";
    }
    text
}

const STYLE: &str = ":root{color-scheme:light dark;--ink:#1c1c1c;--paper:#fff;--soft:#f3f1ec;--line:#d8d4cb;--dim:#67635b;--good:#1a7f37;--bad:#c4320a;--pos:#d55e00;--neg:#185fb9}\
@media(prefers-color-scheme:dark){:root{--ink:#e9e6df;--paper:#16171a;--soft:#222429;--line:#3b3e45;--dim:#a5a199;--good:#56c271;--bad:#ff8a65;--pos:#f08c3c;--neg:#6aa6f0}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}main{max-width:60rem;margin:0 auto;padding:1rem 1rem 4rem}\
h1{font-size:1.7rem;line-height:1.2}h2{margin-top:2.5rem;border-bottom:2px solid var(--line)}h3{margin:2rem 0 .5rem}h3::first-letter{text-transform:uppercase}h4{margin:1.4rem 0 .1rem}h4+p{margin:.1rem 0 .4rem;color:var(--dim)}\
.verdict{padding:.7rem 1rem;border-left:5px solid var(--line);background:var(--soft)}.verdict.good{border-color:var(--good)}.verdict.bad{border-color:var(--bad)}b.good{color:var(--good)}b.bad{color:var(--bad)}.dim{color:var(--dim);font-size:.86em}\
.wide{overflow-x:auto;max-width:100%}table{border-collapse:collapse;font-size:.9rem}td,th{padding:.16rem .7rem .16rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);font-weight:400}th{font-weight:600}\
.steps td,.steps th,.engines td,.engines th{white-space:nowrap}.n{font-variant-numeric:tabular-nums;white-space:nowrap;text-align:right}.steps .n{font-weight:600;text-align:left}.code{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.82rem}.checks td:nth-child(2){width:100%}\
figure{margin:1rem 0}figcaption{color:var(--dim);font-size:.88rem;margin-top:.3rem}svg{width:100%;height:auto;display:block;font-family:system-ui,sans-serif}\
.row{display:flex;flex-wrap:wrap;align-items:center;gap:.8rem}.row figure{margin:.4rem 0;flex:0 1 auto}.row svg{width:auto;max-width:100%}.row figure:nth-of-type(1) svg{width:220px}.row figure:nth-of-type(n+2) svg{width:132px}.row figcaption{text-align:center}.op{font-size:1.6rem}\
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1.5rem}\
svg .ink{fill:var(--ink)}svg .unit{fill:var(--soft);stroke:var(--ink);stroke-width:1.3}svg line.pos{stroke:var(--pos);opacity:.75}svg line.neg{stroke:var(--neg);opacity:.75}svg .edge{fill:var(--ink);stroke:var(--paper);stroke-width:4px;paint-order:stroke}svg .grid{stroke:var(--line)}svg .series{fill:none;stroke:var(--pos);stroke-width:2.2}svg .dot{fill:var(--pos)}svg .bound{stroke:var(--neg);stroke-dasharray:5 4}svg .boundtext{fill:var(--neg)}\
details{margin:.35rem 0}summary{cursor:pointer}math{font-size:1.12rem}.formulas{overflow-x:auto;background:var(--soft);padding:.4rem 1rem;border-radius:6px}.formulas p{margin:.55rem 0}";

const FORMULAS: &str = "<div class='formulas'>\
<p><math displaystyle='true'><msub><mi>a</mi><mi>j</mi></msub><mo>=</mo><munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>0</mn></mrow><mn>2</mn></munderover><msub><mi>v</mi><mrow><mi>j</mi><mi>i</mi></mrow></msub><msub><mi>x</mi><mi>i</mi></msub><mo>,</mo><mspace width='1em'/><msub><mi>z</mi><mi>j</mi></msub><mo>=</mo><mi>σ</mi><mo stretchy='false'>(</mo><msub><mi>a</mi><mi>j</mi></msub><mo stretchy='false'>)</mo><mo>,</mo><mspace width='1em'/><msub><mi>b</mi><mi>k</mi></msub><mo>=</mo><munderover><mo>∑</mo><mrow><mi>j</mi><mo>=</mo><mn>0</mn></mrow><mn>2</mn></munderover><msub><mi>w</mi><mrow><mi>k</mi><mi>j</mi></mrow></msub><msub><mi>z</mi><mi>j</mi></msub><mo>,</mo><mspace width='1em'/><msub><mi>y</mi><mi>k</mi></msub><mo>=</mo><mi>σ</mi><mo stretchy='false'>(</mo><msub><mi>b</mi><mi>k</mi></msub><mo stretchy='false'>)</mo></math></p>\
<p><math displaystyle='true'><mi>L</mi><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><munder><mo>∑</mo><mi>k</mi></munder><msup><mrow><mo stretchy='false'>(</mo><msub><mi>y</mi><mi>k</mi></msub><mo>−</mo><msub><mi>t</mi><mi>k</mi></msub><mo stretchy='false'>)</mo></mrow><mn>2</mn></msup></math></p>\
<p><math displaystyle='true'><msub><mi>δ</mi><mi>k</mi></msub><mo>=</mo><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><msub><mi>b</mi><mi>k</mi></msub></mrow></mfrac><mo>=</mo><mo stretchy='false'>(</mo><msub><mi>y</mi><mi>k</mi></msub><mo>−</mo><msub><mi>t</mi><mi>k</mi></msub><mo stretchy='false'>)</mo><mspace width='.2em'/><msub><mi>y</mi><mi>k</mi></msub><mo stretchy='false'>(</mo><mn>1</mn><mo>−</mo><msub><mi>y</mi><mi>k</mi></msub><mo stretchy='false'>)</mo><mo>,</mo><mspace width='1.5em'/><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><msub><mi>w</mi><mrow><mi>k</mi><mi>j</mi></mrow></msub></mrow></mfrac><mo>=</mo><msub><mi>δ</mi><mi>k</mi></msub><msub><mi>z</mi><mi>j</mi></msub></math></p>\
<p><math displaystyle='true'><msub><mi>ε</mi><mi>j</mi></msub><mo>=</mo><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><msub><mi>a</mi><mi>j</mi></msub></mrow></mfrac><mo>=</mo><msub><mi>z</mi><mi>j</mi></msub><mo stretchy='false'>(</mo><mn>1</mn><mo>−</mo><msub><mi>z</mi><mi>j</mi></msub><mo stretchy='false'>)</mo><munder><mo>∑</mo><mi>k</mi></munder><msub><mi>w</mi><mrow><mi>k</mi><mi>j</mi></mrow></msub><msub><mi>δ</mi><mi>k</mi></msub><mo>,</mo><mspace width='1.5em'/><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><msub><mi>v</mi><mrow><mi>j</mi><mi>i</mi></mrow></msub></mrow></mfrac><mo>=</mo><msub><mi>ε</mi><mi>j</mi></msub><msub><mi>x</mi><mi>i</mi></msub></math></p>\
<p><math displaystyle='true'><mi>w</mi><mo>←</mo><mi>w</mi><mo>−</mo><mi>η</mi><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><mi>w</mi></mrow></mfrac><mo>,</mo><mspace width='1.5em'/><mi>v</mi><mo>←</mo><mi>v</mi><mo>−</mo><mi>η</mi><mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><mi>v</mi></mrow></mfrac><mspace width='1em'/><mtext>(both from the old w and v)</mtext></math></p></div>";

const CORRELATION: &str = "<div class='formulas'><p><math displaystyle='true'><msub><mi>out</mi><mrow><mi>r</mi><mo>,</mo><mi>c</mi></mrow></msub><mo>=</mo><munder><mo>∑</mo><mrow><mi>u</mi><mo>,</mo><mi>v</mi></mrow></munder><msub><mi>kernel</mi><mrow><mi>u</mi><mo>,</mo><mi>v</mi></mrow></msub><mspace width='.3em'/><msub><mi>image</mi><mrow><mi>r</mi><mo>+</mo><mi>u</mi><mo>,</mo><mi>c</mi><mo>+</mo><mi>v</mi></mrow></msub></math></p></div><p>Orange is positive, blue negative.</p>";
