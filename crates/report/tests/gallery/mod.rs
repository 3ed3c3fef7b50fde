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
pub fn document() -> Result<Document, ReportError> {
    let finding = |text: String, note: Option<String>| Finding {
        text,
        note,
        section: "charts".to_owned(),
    };
    let share = "99.41 % of them, p = 0.012 or p < 10⁻⁶".to_owned();
    Ok(Document {
        title: said("Everything"),
        conditions: said("Data, machine, version & more:"),
        answer: Some(Answer {
            heading: said("What is there?"),
            findings: vec![
                finding(share, Some(said("t-test"))),
                finding(said(&"word ".repeat(40)), None),
            ],
            if_empty: String::new(),
        }),
        sections: vec![
            Section::new("words", said("Words"), words()),
            Section::new("charts", "Charts", charts()?),
            Section::new("pictures", "Pictures", pictures()?),
            Section::new("tables", "Tables", tables()),
            Section::new("more", "", vec![Block::paragraph("No heading.")]),
        ],
        style: ".own { color: var(--accent); }",
    })
}

fn words() -> Vec<Block> {
    let hostile = HOSTILE.to_owned();
    let mut blocks: Vec<Block> = [Status::Good, Status::Bad, Status::Open]
        .map(|status| Block::Verdict(status, said("So it ended.")))
        .into();
    blocks.extend([
        Block::Question(hostile.clone()),
        Block::Finding(hostile.clone()),
        Block::Heading(hostile.clone()),
        Block::Subheading(hostile.clone()),
        Block::Paragraph(hostile.clone()),
        Block::List(vec![hostile.clone(), "word ".repeat(60)]),
        Block::Code(said("```\nfn main() {}\n```\n")),
        Block::details(hostile.clone(), vec![Block::Paragraph(hostile)]),
        Block::Details {
            summary: "✓ open from the start".to_owned(),
            blocks: vec![Block::paragraph("Can be hidden.")],
            open: true,
        },
        Block::Markup {
            html: "<p class=\"own\"><math><mi>x</mi></math></p>".to_owned(),
            text: said("x"),
        },
    ]);
    blocks
}

const ROLES: [Role; 3] = [Role::First, Role::Second, Role::Neutral];

/// Lines of every kind; two points of each are not to be drawn whole.
fn plot(slug: &str, band: bool) -> Result<Panel, ReportError> {
    let line = |(number, role)| Line {
        key: Key {
            hollow: number == 1,
            ..Key::new(role, said("a line"))
        },
        points: (0..8)
            .map(|x| (f64::from(x), f64::from(x + 2 * number) - 3.0))
            .map(|(x, y)| Point::new(x, y, Some([y - 2.0, y + 1.0])))
            .chain([Point::new(8.0, f64::NAN, None)])
            .chain([Point::new(9.0, 5.0, Some([f64::NEG_INFINITY, 1.0])).inside(said("end"))])
            .collect(),
        band,
    };
    lines(&Plot {
        slug: slug.to_owned(),
        label: said("A plot"),
        title: said("A plot"),
        x_title: Some("epoch".to_owned()),
        x: Axis::whole(0.0, 9.0),
        y: Axis::linear([-5.0, 10.0]),
        lines: (0..).zip(ROLES).map(line).collect(),
        legend: true,
        diagonal: band,
        reference: Some((4.0, "chance".to_owned())),
        ..Plot::default()
    })
}

fn charts() -> Result<Vec<Block>, ReportError> {
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
    let rows = rows(&Rows {
        slug: "rows".to_owned(),
        label: said("Rows"),
        x: Axis::percent(estimate.extent()),
        rows: ["natural", HOSTILE].map(row).into(),
        legend: ROLES.map(|role| Key::new(role, format!("{role:?}"))).into(),
        line: Some(96.0),
        ..Rows::default()
    })?;
    let counts = [[980, 0, 3], [1, 970, 12], [0, 0, 990]].map(Vec::from);
    let matrix = confusion(&Confusion {
        slug: "confusion".to_owned(),
        label: said("Confusion"),
        title: said("MLP"),
        role: Role::First,
        counts: &counts,
    })?;
    let figure = |panels| Figure::new(panels, said("What is seen."), said("How.")).into();
    Ok(vec![
        figure(vec![plot("bands", true)?, plot("bars", false)?]),
        figure(vec![rows, matrix]),
    ])
}

fn pictures() -> Result<Vec<Block>, ReportError> {
    let numbers = [[1.0, -2.5, f64::NAN], [0.0, 12.25, 1e7]];
    let tile = |palette: Palette| {
        let png = Picture::heat_map(&numbers, palette).base64()?;
        let line = said(&format!("{palette:?}"));
        Ok(Tile::new(png, said("A picture"), vec![line]))
    };
    let palettes = [Palette::Signed, Palette::Gray, Palette::Ink]
        .into_iter()
        .map(tile);
    let palettes = palettes.collect::<Result<_, ReportError>>()?;
    let parts = [Palette::Gray, Palette::Signed].map(|one| Picture::large_heat_map(&numbers, one));
    let equation = Picture::beside(&parts, &["="]).base64()?;
    let more = vec![
        Tile::new(equation, "two heat maps", vec![]),
        Tile::new("", "none", vec![]),
    ];
    let tiles = Tiles::new("tiles", 84, said("Tiles."), "One pixel a number.");
    Ok(vec![
        tiles
            .group(Some(said("Palettes")), palettes)
            .group(None, more)
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
