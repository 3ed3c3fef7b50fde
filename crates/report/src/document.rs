//! A document without its looks: what is said, in which order. Page, Markdown and terminal text
//! render the same one, so that nothing is written twice.

/// The whole document.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// Its name.
    pub title: String,
    /// One line below it, for example data, machine and version; may be empty.
    pub conditions: String,
    /// What was found, above everything else.
    pub answer: Option<Answer>,
    /// The rest.
    pub sections: Vec<Section>,
    /// More CSS for the page, for the classes of a [`Block::Markup`]. Trusted.
    pub style: &'static str,
}

/// What was found, sentence by sentence.
#[derive(Debug, Clone)]
pub struct Answer {
    /// For example the question.
    pub heading: String,
    /// The sentences.
    pub findings: Vec<Finding>,
    /// Stands where there are none.
    pub if_empty: String,
}

/// A sentence of the answer.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// The sentence.
    pub text: String,
    /// Its test and p-values.
    pub note: Option<String>,
    /// Where the numbers are: [`Section::id`].
    pub section: String,
}

/// A part with a heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// Letters, digits and hyphens; unique in the document.
    pub id: &'static str,
    /// Its name. Empty for a part before the first heading.
    pub heading: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A part with a heading.
    pub fn new(id: &'static str, heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        let heading = heading.into();
        Self {
            id,
            heading,
            blocks,
        }
    }
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `✓`
    Good,
    /// `✗`
    Bad,
    /// `○`: not known.
    Open,
}

impl Status {
    /// Good or bad.
    pub fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }

    /// Its sign. Pages color it wherever it stands in a text.
    pub fn sign(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Open => '○',
        }
    }
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// What the section asks.
    Question(String),
    /// A sentence of the answer that belongs here.
    Finding(String),
    /// How it ended, in a sentence.
    Verdict(Status, String),
    /// A heading within the section.
    Heading(String),
    /// A heading below that.
    Subheading(String),
    /// Running text.
    Paragraph(String),
    /// Points without an order.
    List(Vec<String>),
    /// Charts.
    Figure(Figure),
    /// Small pictures.
    Tiles(Tiles),
    /// Numbers.
    Table(Table),
    /// Text as it is, in letters of one width.
    Code(String),
    /// Shown when asked for.
    Details {
        /// What is always shown.
        summary: String,
        /// What can be hidden.
        blocks: Vec<Self>,
        /// Shown from the start.
        open: bool,
    },
    /// What only a page can show, for example a formula.
    Markup {
        /// Trusted: it reaches the page as it is.
        html: String,
        /// What Markdown and terminal print in its place; may be empty.
        text: String,
    },
}

impl Block {
    /// Running text.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    /// Shown when asked for.
    pub fn details(summary: impl Into<String>, blocks: Vec<Self>) -> Self {
        Self::Details {
            summary: summary.into(),
            blocks,
            open: false,
        }
    }

    /// "The raw numbers", shown when asked for.
    pub fn raw(blocks: Vec<Self>) -> Self {
        Self::details("The raw numbers", blocks)
    }
}

impl From<Figure> for Block {
    fn from(figure: Figure) -> Self {
        Self::Figure(figure)
    }
}

impl From<Tiles> for Block {
    fn from(tiles: Tiles) -> Self {
        Self::Tiles(tiles)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

/// Charts that belong together.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Two side by side on a phone, four on a desk; else one or two.
    pub small: bool,
    /// The charts.
    pub panels: Vec<Panel>,
    /// What is to be seen.
    pub shows: String,
    /// How it was made; may be empty.
    pub made: String,
}

impl Figure {
    /// Wide panels, what is to be seen, and how it was made.
    pub fn new(panels: Vec<Panel>, shows: impl Into<String>, made: impl Into<String>) -> Self {
        Self {
            small: false,
            panels,
            shows: shows.into(),
            made: made.into(),
        }
    }
}

/// One vector plot, drawn in the light colors.
#[derive(Debug, Clone)]
pub struct Panel {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// What stands between `<svg>` and `</svg>`. Trusted.
    pub body: String,
}

/// Small pictures with their labels.
#[derive(Debug, Clone)]
pub struct Tiles {
    /// File name without its ending; unique in the document.
    pub slug: &'static str,
    /// Rows of pictures, and what stands above each.
    pub groups: Vec<(Option<String>, Vec<Tile>)>,
    /// Width of each picture in pixels of the page.
    pub width: u32,
    /// What is to be seen.
    pub shows: String,
    /// How it was made; may be empty.
    pub made: String,
}

impl Tiles {
    /// Without pictures yet.
    pub fn new(
        slug: &'static str,
        width: u32,
        shows: impl Into<String>,
        made: impl Into<String>,
    ) -> Self {
        Self {
            slug,
            groups: Vec::new(),
            width,
            shows: shows.into(),
            made: made.into(),
        }
    }

    /// Adds a row of pictures.
    #[must_use]
    pub fn group(mut self, heading: Option<String>, tiles: Vec<Tile>) -> Self {
        self.groups.push((heading, tiles));
        self
    }
}

/// A small picture.
#[derive(Debug, Clone)]
pub struct Tile {
    /// PNG, base64; empty if there is no picture.
    pub png: String,
    /// For those who do not see it.
    pub alt: String,
    /// Below it.
    pub lines: Vec<String>,
}

impl Tile {
    /// A PNG in base64, words for those who do not see it, and the lines below it.
    pub fn new(png: impl Into<String>, alt: impl Into<String>, lines: Vec<String>) -> Self {
        Self {
            png: png.into(),
            alt: alt.into(),
            lines,
        }
    }
}

/// Rows and columns of short texts.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Above it; may be empty.
    pub caption: String,
    /// Names of the columns; may be empty.
    pub head: Vec<String>,
    /// The first cell of each names the row.
    pub rows: Vec<Vec<String>>,
    /// So many leading columns hold words, the others numbers.
    pub words: usize,
}

impl Table {
    /// Without rows; the first column holds words.
    pub fn new<H: ToString>(caption: impl Into<String>, head: impl IntoIterator<Item = H>) -> Self {
        Self {
            caption: caption.into(),
            head: head.into_iter().map(|cell| cell.to_string()).collect(),
            rows: Vec::new(),
            words: 1,
        }
    }

    /// Sets how many leading columns hold words.
    #[must_use]
    pub fn words(mut self, words: usize) -> Self {
        self.words = words;
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// As a block.
    pub fn block(self) -> Block {
        self.into()
    }
}
