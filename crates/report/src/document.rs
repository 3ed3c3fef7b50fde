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
}

/// What was found, sentence by sentence.
#[derive(Debug, Clone, Default)]
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
    /// Its name.
    pub heading: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub enum Block {
    /// What the section asks.
    Question(String),
    /// A sentence of the answer that belongs here.
    Finding(String),
    /// A heading within the section.
    Heading(String),
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
        /// What is hidden.
        blocks: Vec<Block>,
    },
}

impl Block {
    /// Running text.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    /// "The raw numbers", shown when asked for.
    pub fn raw(blocks: Vec<Self>) -> Self {
        Self::Details {
            summary: "The raw numbers".to_owned(),
            blocks,
        }
    }
}

/// Charts that belong together.
#[derive(Debug, Clone)]
pub struct Figure {
    /// How they are arranged.
    pub layout: Layout,
    /// The charts.
    pub panels: Vec<Panel>,
    /// What they show.
    pub caption: Caption,
}

/// How many panels stand side by side where there is room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One or two.
    #[default]
    Wide,
    /// Two on a phone, four on a desk.
    Small,
}

/// The words below a figure.
#[derive(Debug, Clone, Default)]
pub struct Caption {
    /// What is to be seen.
    pub shows: String,
    /// How it was made; may be empty.
    pub made: String,
}

/// One vector plot, drawn in the light colors.
#[derive(Debug, Clone)]
pub struct Panel {
    /// File name without its ending; unique in the document.
    pub slug: String,
    /// For those who do not see it.
    pub label: String,
    /// The drawing, `<svg …>…</svg>`.
    pub svg: String,
}

/// Small pictures with their labels.
#[derive(Debug, Clone)]
pub struct Tiles {
    /// File name without its ending; unique in the document.
    pub slug: &'static str,
    /// Rows of pictures.
    pub groups: Vec<TileGroup>,
    /// Width of each picture in pixels of the page.
    pub width: u32,
    /// What they show.
    pub caption: Caption,
}

/// Pictures that belong together.
#[derive(Debug, Clone)]
pub struct TileGroup {
    /// Above them.
    pub heading: Option<String>,
    /// The pictures.
    pub tiles: Vec<Tile>,
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

/// Rows and columns of short texts.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Above it; may be empty.
    pub caption: String,
    /// Names of the columns.
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
        Block::Table(self)
    }
}
