//! A document with everything that there is, to be tested and to be looked at.

use digits_report::chart::*;
use digits_report::*;

/// Means something to HTML, to Markdown and to its tables.
pub const HOSTILE: &str = "<script>|`_*[a](b)";

/// `words` and something hostile.
fn said(words: &str) -> String {
    format!("{words} {HOSTILE}")
}

/// Everything.
pub fn document() -> Document {
    let finding = Finding {
        text: "99.41 % of them, p = 0.012 or p < 10⁻⁶".to_owned(),
        note: Some(said("paired t-test")),
        section: "charts".to_owned(),
    };
    let long = Finding {
        text: said(&"word ".repeat(40)),
        ..Finding::default()
    };
    Document {
        title: said("Everything"),
        conditions: said("Data, machine, version & more:"),
        answer: Some(Answer {
            heading: said("What is there?"),
            findings: vec![finding, long],
            if_empty: String::new(),
        }),
        sections: vec![
            Section::new("words", said("Words"), words()),
            Section::new("charts", "Charts", charts().unwrap()),
            Section::new("pictures", "Pictures", pictures().unwrap()),
            Section::new("tables", "Tables", tables()),
            Section::new("more", "", vec![Block::paragraph("No heading.")]),
        ],
        style: ".own { color: var(--accent); }",
    }
}

fn words() -> Vec<Block> {
    let hostile = HOSTILE.to_owned();
    vec![
        Block::Question(hostile.clone()),
        Block::Finding(said("A finding.")),
        Block::Verdict(Status::Good, said("All is well.")),
        Block::Verdict(Status::Bad, "Not all is well.".to_owned()),
        Block::Verdict(Status::Open, "Not checked.".to_owned()),
        Block::Heading(hostile.clone()),
        Block::Subheading(hostile.clone()),
        Block::Paragraph(hostile.clone()),
        Block::List(vec![hostile.clone(), "word ".repeat(60)]),
        Block::Code(said("```\nfn main() {}\n```\n")),
        Block::details(hostile.clone(), vec![Block::Paragraph(hostile)]),
        Block::Details {
            summary: format!("{} open from the start", Status::Good.sign()),
            blocks: vec![Block::paragraph("Can be hidden.")],
            open: true,
        },
        Block::Markup {
            html: "<p class=\"own\"><math><mi>x</mi></math></p>".to_owned(),
            text: said("x"),
        },
    ]
}

const ROLES: [Role; 2] = [Role::First, Role::Second];

fn plot(slug: &str, lines: Vec<Line>) -> Plot {
    Plot {
        slug: slug.to_owned(),
        label: said("A plot"),
        title: said("Accuracy in %"),
        x: Axis::whole(0.0, 9.0),
        y: Axis::percent([0.88, 1.0]),
        lines,
        ..Plot::default()
    }
}

/// Solid and dashed lines with intervals; two of their points are not to be drawn whole.
fn four_lines(band: bool) -> Vec<Line> {
    let line = |(number, hollow)| Line {
        key: Key {
            hollow,
            ..Key::new(ROLES[number], said("a line"))
        },
        points: (0..8)
            .map(|x| (f64::from(x), 90.0 + f64::from(x) + number as f64))
            .map(|(x, y)| Point::new(x, y, Some([y - 2.0, y + 1.0])))
            .chain([Point::new(8.0, f64::NAN, None)])
            .chain([Point::new(9.0, 95.0, Some([f64::NEG_INFINITY, 1.0]))])
            .collect(),
        band,
    };
    [(0, false), (0, true), (1, false), (1, true)]
        .map(line)
        .into()
}

fn charts() -> Result<Vec<Block>, ReportError> {
    let with = |points| Line {
        points,
        ..Line::default()
    };
    let full = |slug: &str, band| {
        lines(&Plot {
            x_title: Some("epoch".to_owned()),
            legend: true,
            reference: Some((90.0, "chance".to_owned())),
            ..plot(slug, four_lines(band))
        })
    };
    let named = [(3.0, "left"), (5.5, "right")]
        .map(|(x, name)| with(vec![Point::new(x, 0.5, None).inside(name.to_owned())]));
    let scatter = Plot {
        x: Axis::logarithmic([400.0, 2e6]),
        y: Axis::linear([0.0, 1.2]),
        ..plot("scatter", named.into())
    };
    let ends = vec![
        Point::new(0.0, -0.4, Some([-0.6, 0.3])),
        Point::new(1.0, 0.8, Some([0.2, 1.0])),
    ];
    let ticks = vec![(0.0, "before".to_owned()), (1.0, "after".to_owned())];
    let slopes = Plot {
        x: Axis::with_ticks(-0.5, 1.5, ticks),
        y: Axis::difference([-0.006, 0.01]),
        diagonal: true,
        ..plot("slopes", vec![with(ends)])
    };
    let small = |number| {
        lines(&Plot {
            layout: Layout::Small,
            ..plot(&format!("small-{number}"), four_lines(true))
        })
    };
    let figure = |panels| Figure::new(panels, said("What is seen."), said("How.")).into();
    Ok(vec![
        figure(vec![full("bands", true)?, full("bars", false)?]),
        figure(vec![lines(&scatter)?, lines(&slopes)?]),
        figure(vec![
            some_rows("rows", false)?,
            some_rows("together", true)?,
        ]),
        figure(vec![matrix("classes-10", 10)?, matrix("classes-40", 40)?]),
        figure(vec![matrix("classes-0", 0)?]),
        Figure::small(
            (0..4).map(small).collect::<Result<_, _>>()?,
            "Small ones.",
            "",
        )
        .into(),
    ])
}

fn some_rows(slug: &str, together: bool) -> Result<Panel, ReportError> {
    let values = [0.961, 0.972, 0.968, f64::NAN];
    let estimate = Estimate {
        values: &values,
        mean: 0.967,
        interval: Some([0.952, 0.981]),
    };
    let row = |label: &str| Row {
        label: label.to_owned(),
        marks: ROLES
            .map(|role| Mark::percent(role, estimate, "96.7".to_owned()))
            .into(),
    };
    rows(&Rows {
        slug: slug.to_owned(),
        label: said("Rows"),
        title: "Rows".to_owned(),
        x_title: "accuracy in %".to_owned(),
        x: Axis::percent(estimate.extent()),
        rows: ["natural", HOSTILE].map(row).into(),
        legend: ROLES.map(|role| Key::new(role, format!("{role:?}"))).into(),
        line: Some(96.0),
        together,
    })
}

fn matrix(slug: &str, classes: usize) -> Result<Panel, ReportError> {
    let count = |(row, column)| if row == column { 980 } else { row * column % 5 };
    let row = |row| (0..classes).map(|column| count((row, column))).collect();
    let counts: Vec<Vec<usize>> = (0..classes).map(row).collect();
    confusion(&Confusion {
        slug: slug.to_owned(),
        label: said("Confusion"),
        title: said("MLP"),
        role: Role::First,
        counts: &counts,
    })
}

fn pictures() -> Result<Vec<Block>, ReportError> {
    let wave = |x: usize, y: usize| (x as f64 * 0.7).sin() * y as f64;
    let waves: Vec<Vec<f64>> = (0..8)
        .map(|y| (0..8).map(|x| wave(x, y)).collect())
        .collect();
    let tile = |palette: Palette| {
        let png = Picture::heat_map(&waves, palette).base64().unwrap();
        Tile::new(
            png,
            said("A wave"),
            vec![format!("{palette:?}"), "two words".to_owned()],
        )
    };
    let palettes = [Palette::Signed, Palette::Gray, Palette::Ink]
        .map(tile)
        .into();
    let none = vec![Tile::new("", "none", vec!["nothing".to_owned()])];
    let numbers = [[1.0, -2.5, f64::NAN], [0.0, 12.25, 1e7]];
    let large = Picture::large_heat_map(&numbers, Palette::Signed);
    let equation = Picture::beside(
        &[Picture::large_heat_map(&waves, Palette::Gray), large],
        &["="],
    );
    let equation = Tile::new(equation.base64()?, "two heat maps", Vec::new());
    let tiles = Tiles::new("tiles", 84, said("Tiles."), "One pixel a number.");
    Ok(vec![
        tiles
            .group(Some(said("Palettes")), palettes)
            .group(None, none)
            .into(),
        Tiles::new("equation", 500, "An equation.", "")
            .group(None, vec![equation])
            .into(),
    ])
}

fn tables() -> Vec<Block> {
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let table = Table::new(said("A table"), ["name", "words", "number"]).words(2);
    let head = (0..24).map(|number| format!("column {number}"));
    let numbers = (0..24).map(|number| text::rate(1234.5 * f64::from(number)));
    vec![
        table
            .rows([
                cells(["row 1", "✓", "1"]),
                cells(["row 22", "✗ –", "12,345"]),
            ])
            .into(),
        Table::new("", [""; 0])
            .rows([cells(["row a", HOSTILE, "3"])])
            .into(),
        Block::raw(vec![
            Table::new("Wide", head).rows([numbers.collect()]).block(),
        ]),
    ]
}
