//! A document with everything that there is, to be tested and to be looked at.

use digits_report::chart::{
    Axis, Confusion, Estimate, Key, Line, Mark, Plot, Point, Role, Row, Rows, confusion, lines,
    rows,
};
use digits_report::{
    Answer, Block, Document, Figure, Finding, Palette, Panel, Picture, Section, Status, Table,
    Tile, Tiles, text,
};

/// Means something to HTML, to Markdown and to its tables.
pub const HOSTILE: &str = "<script>|`_*[a](b)";

/// Everything.
pub fn document() -> Document {
    Document {
        title: format!("Everything {HOSTILE}"),
        conditions: format!("Data, machine, version & more: {HOSTILE}."),
        answer: Some(Answer {
            heading: format!("What is there? {HOSTILE}"),
            findings: vec![
                Finding {
                    text: "99.41 % of them, p = 0.012 or p < 10⁻⁶".to_owned(),
                    note: Some(format!("paired t-test, {HOSTILE}")),
                    section: "charts".to_owned(),
                },
                Finding {
                    text: format!("{} {HOSTILE}", "word ".repeat(40)),
                    ..Finding::default()
                },
            ],
            if_empty: String::new(),
        }),
        sections: vec![
            Section::new("words", format!("Words {HOSTILE}"), words()),
            Section::new("charts", "Charts", charts()),
            Section::new("pictures", "Pictures", pictures()),
            Section::new("tables", "Tables", tables()),
            Section::new(
                "more",
                "",
                vec![Block::paragraph("A section without a heading.")],
            ),
        ],
        style: ".own { color: var(--accent); }",
    }
}

fn words() -> Vec<Block> {
    let hostile = HOSTILE.to_owned();
    vec![
        Block::Question(hostile.clone()),
        Block::Finding(format!("A finding. {hostile}")),
        Block::Verdict(Status::Good, format!("All is well. {hostile}")),
        Block::Verdict(Status::Bad, "Not all is well.".to_owned()),
        Block::Verdict(Status::Open, "Not checked.".to_owned()),
        Block::Heading(hostile.clone()),
        Block::Subheading(hostile.clone()),
        Block::Paragraph(hostile.clone()),
        Block::List(vec![hostile.clone(), "word ".repeat(60)]),
        Block::Code(format!("{hostile}\n```\nfn main() {{}}\n")),
        Block::details(hostile.clone(), vec![Block::Paragraph(hostile.clone())]),
        Block::Details {
            summary: format!("{} open from the start", Status::Good.sign()),
            blocks: vec![Block::paragraph("Can be hidden.")],
            open: true,
        },
        Block::Markup {
            html: "<p class=\"own\"><math><mi>x</mi><mo>=</mo><mn>1</mn></math></p>".to_owned(),
            text: format!("x = 1 {hostile}"),
        },
    ]
}

fn charts() -> Vec<Block> {
    let networks = [(Role::First, "MLP", 0.0), (Role::Second, "CNN", 0.013)];
    let values = [0.961, 0.972, 0.968, f64::NAN];
    let estimate = Estimate {
        values: &values,
        mean: 0.967,
        interval: Some([0.952, 0.981]),
    };
    let line = |(role, name, more): (Role, &str, f64), hollow, band| Line {
        key: Key {
            hollow,
            ..Key::new(role, format!("{name} {HOSTILE}"))
        },
        points: (0..8)
            .map(|x| {
                let mean = 0.9 + more + 0.01 * f64::from(x);
                Point::percent(
                    f64::from(x),
                    Estimate {
                        mean,
                        interval: Some([mean - 0.02, mean + 0.01]),
                        values: &[],
                    },
                )
            })
            .chain([
                Point::new(8.0, f64::NAN, None),
                Point::new(9.0, 95.0, Some([f64::NEG_INFINITY, 1.0])),
            ])
            .collect(),
        band,
    };
    let plot = |slug: &str, band| Plot {
        slug: slug.to_owned(),
        label: format!("A plot of lines {HOSTILE}"),
        title: format!("Accuracy in % {HOSTILE}"),
        x_title: Some("epoch".to_owned()),
        x: Axis::whole(0.0, 9.0),
        y: Axis::percent([0.88, 1.0]),
        lines: networks
            .iter()
            .flat_map(|one| [line(*one, false, band), line(*one, true, band)])
            .collect(),
        legend: true,
        reference: Some((90.0, "chance".to_owned())),
        ..Plot::default()
    };
    let scatter = Plot {
        lines: [(3.0, "left"), (5.5, "right")]
            .map(|(x, name)| Line {
                points: vec![Point::new(x, 0.5, None).inside(name.to_owned())],
                ..Line::default()
            })
            .into(),
        x: Axis::logarithmic([400.0, 2e6]),
        y: Axis::linear([0.0, 1.2]),
        legend: false,
        reference: None,
        ..plot("scatter", false)
    };
    let slopes = Plot {
        lines: vec![Line {
            points: vec![
                Point::new(0.0, -0.4, Some([-0.6, 0.3])).left("−0.4".to_owned()),
                Point::new(1.0, 0.8, Some([0.2, 1.0])).right("0.8".to_owned()),
            ],
            ..Line::default()
        }],
        x: Axis::with_ticks(
            -0.5,
            1.5,
            vec![(0.0, "before".to_owned()), (1.0, "after".to_owned())],
        ),
        y: Axis::difference([-0.006, 0.01]),
        diagonal: true,
        reference: None,
        ..plot("slopes", false)
    };
    let mark =
        |(role, ..): &(Role, &str, f64)| Mark::percent(*role, estimate, text::percent(0.967, 1));
    let several = |slug: &str, together| Rows {
        slug: slug.to_owned(),
        label: format!("Rows {HOSTILE}"),
        title: "Rows".to_owned(),
        x_title: "accuracy in %".to_owned(),
        x: Axis::percent(estimate.extent()),
        rows: ["natural", HOSTILE]
            .map(|label| Row {
                label: label.to_owned(),
                marks: networks.iter().map(mark).collect(),
            })
            .into(),
        legend: networks
            .iter()
            .map(|(role, name, _)| Key::new(*role, *name))
            .collect(),
        line: Some(96.0),
        together,
    };
    let counts = |classes: usize| -> Vec<Vec<usize>> {
        (0..classes)
            .map(|i| {
                (0..classes)
                    .map(|j| if i == j { 980 } else { (i * j) % 5 })
                    .collect()
            })
            .collect()
    };
    let matrix = |slug: &str, counts: &[Vec<usize>]| {
        confusion(&Confusion {
            slug: slug.to_owned(),
            label: format!("Confusion {HOSTILE}"),
            title: format!("MLP {HOSTILE}"),
            role: Role::First,
            counts,
        })
    };
    let small: Vec<Panel> = (0..4)
        .map(|n| {
            lines(&Plot {
                layout: digits_report::Layout::Small,
                legend: false,
                x_title: None,
                ..plot(&format!("small-{n}"), true)
            })
            .unwrap()
        })
        .collect();
    let figure = |panels: Vec<Panel>| {
        Figure::new(
            panels,
            format!("What is seen. {HOSTILE}"),
            format!("How. {HOSTILE}"),
        )
        .into()
    };
    vec![
        figure(vec![
            lines(&plot("bands", true)).unwrap(),
            lines(&plot("bars", false)).unwrap(),
        ]),
        figure(vec![lines(&scatter).unwrap(), lines(&slopes).unwrap()]),
        figure(vec![
            rows(&several("rows", false)).unwrap(),
            rows(&several("rows-together", true)).unwrap(),
        ]),
        figure(vec![
            matrix("confusion-10", &counts(10)).unwrap(),
            matrix("confusion-40", &counts(40)).unwrap(),
        ]),
        figure(vec![matrix("confusion-0", &[]).unwrap()]),
        Figure::small(small, "Small ones.", "").into(),
    ]
}

fn pictures() -> Vec<Block> {
    let waves: Vec<Vec<f64>> = (0..8)
        .map(|y| {
            (0..8)
                .map(|x| (f64::from(x) * 0.7).sin() * f64::from(y))
                .collect()
        })
        .collect();
    let tile = |palette, name: &str| {
        let png = Picture::heat_map(&waves, palette).base64().unwrap();
        Tile::new(
            png,
            format!("{name} {HOSTILE}"),
            vec![name.to_owned(), "two words".to_owned()],
        )
    };
    let large =
        Picture::large_heat_map(&[[1.0, -2.5, f64::NAN], [0.0, 12.25, 1e7]], Palette::Signed);
    let equation = Picture::beside(
        &[Picture::large_heat_map(&waves, Palette::Gray), large],
        &["="],
    );
    let tiles = Tiles::new(
        "tiles",
        84,
        format!("Tiles. {HOSTILE}"),
        "One pixel a number.",
    )
    .group(
        Some(format!("Palettes {HOSTILE}")),
        vec![
            tile(Palette::Signed, "signed"),
            tile(Palette::Gray, "gray"),
            tile(Palette::Ink, "ink"),
        ],
    )
    .group(
        None,
        vec![Tile::new("", "none", vec!["nothing".to_owned()])],
    );
    let wide = Tiles::new("equation", 500, "An equation.", "").group(
        None,
        vec![Tile::new(
            equation.base64().unwrap(),
            "two heat maps",
            Vec::new(),
        )],
    );
    vec![tiles.into(), wide.into()]
}

fn tables() -> Vec<Block> {
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    vec![
        Table::new(format!("A table {HOSTILE}"), ["name", "words", "number"])
            .words(2)
            .rows([
                cells(["row 1", "✓", "1"]),
                vec![
                    "row 22".to_owned(),
                    format!("✗ {}", text::NONE),
                    text::count(12_345_usize),
                ],
            ])
            .into(),
        Table::new("", [""; 0])
            .rows([cells(["row a", HOSTILE, "3"])])
            .into(),
        Block::raw(vec![
            Table::new("Wide", (0..24).map(|n| format!("column {n}")))
                .rows([(0..24).map(|n| text::rate(1234.5 * f64::from(n))).collect()])
                .block(),
        ]),
    ]
}
