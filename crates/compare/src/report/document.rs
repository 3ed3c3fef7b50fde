//! The report without its looks: what is said, in which order. HTML and Markdown render the same
//! document, so that nothing is written twice.

/// The whole report.
pub(super) struct Document {
    pub title: String,
    /// One line: data, seeds, machine, version.
    pub conditions: String,
    /// The answer to "what do you observe?".
    pub answer: Vec<Finding>,
    pub sections: Vec<Section>,
}

/// A sentence of the answer.
pub(super) struct Finding {
    pub text: String,
    /// Its test and p-values.
    pub note: Option<String>,
    /// Where the numbers are: [`Section::id`].
    pub section: String,
}

pub(super) struct Section {
    pub id: &'static str,
    pub heading: String,
    pub blocks: Vec<Block>,
}

pub(super) enum Block {
    /// What the section asks.
    Question(String),
    /// A sentence of the answer that belongs here.
    Finding(String),
    Heading(String),
    Paragraph(String),
    List(Vec<String>),
    Figure(Figure),
    Tiles(Tiles),
    Table(Table),
    Code(String),
    /// Shown when asked for.
    Details {
        summary: String,
        blocks: Vec<Block>,
    },
}

impl Block {
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    /// "The raw numbers".
    pub fn raw(blocks: Vec<Self>) -> Self {
        Self::Details {
            summary: "The raw numbers".to_owned(),
            blocks,
        }
    }
}

/// Plots that belong together.
pub(super) struct Figure {
    pub layout: Layout,
    pub panels: Vec<Panel>,
    pub caption: Caption,
}

/// How many panels stand side by side where there is room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One or two.
    Wide,
    /// Two on a phone, four on a desk.
    Small,
}

/// Every figure says both.
pub(super) struct Caption {
    /// What is to be seen.
    pub shows: String,
    /// How it was made.
    pub made: String,
}

/// One vector plot, drawn in the light colors.
pub(super) struct Panel {
    /// File name without its ending.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    pub svg: String,
}

/// Small pictures with their labels.
pub(super) struct Tiles {
    /// File name without its ending.
    pub slug: &'static str,
    pub groups: Vec<TileGroup>,
    /// Width of each picture in pixels of the page.
    pub width: u32,
    pub caption: Caption,
}

pub(super) struct TileGroup {
    pub heading: Option<String>,
    pub tiles: Vec<Tile>,
}

pub(super) struct Tile {
    /// PNG, base64; nothing if there is no picture.
    pub png: String,
    /// For those who do not see it.
    pub alt: String,
    pub lines: Vec<String>,
}

pub(super) struct Table {
    pub caption: String,
    pub head: Vec<String>,
    /// The first cell of each names the row.
    pub rows: Vec<Vec<String>>,
    /// So many leading columns hold words, the others numbers.
    pub words: usize,
}

impl Table {
    pub fn new<H: ToString>(caption: impl Into<String>, head: impl IntoIterator<Item = H>) -> Self {
        Self {
            caption: caption.into(),
            head: head.into_iter().map(|cell| cell.to_string()).collect(),
            rows: Vec::new(),
            words: 1,
        }
    }

    /// Sets how many leading columns hold words.
    pub fn words(mut self, words: usize) -> Self {
        self.words = words;
        self
    }

    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.rows.extend(rows);
        self
    }

    pub fn block(self) -> Block {
        Block::Table(self)
    }
}
