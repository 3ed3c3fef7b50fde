//! A strict reader of tags: enough to say whether a document is well formed.

const VOID: [&str; 7] = ["meta", "img", "br", "hr", "input", "link", "col"];

/// One opening tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Every opening tag in order, or what is wrong: tags closed in another order, attributes without
/// double quotes or given twice, bare ampersands.
pub fn tags(text: &str) -> Result<Vec<Tag>, String> {
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start], &open)?;
        rest = &rest[start + 1..];
        let end = end_of_tag(rest)?;
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if inside.starts_with('!') || inside.starts_with('?') {
            continue;
        }
        if let Some(name) = inside.strip_prefix('/') {
            let last = open.pop();
            if last.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
            continue;
        }
        let closed = inside.ends_with('/');
        let tag = tag(inside.trim_end_matches('/'))?;
        if !closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        found.push(tag);
    }
    check_text(rest, &open)?;
    if open.is_empty() {
        Ok(found)
    } else {
        Err(format!("never closed: {open:?}"))
    }
}

fn end_of_tag(text: &str) -> Result<usize, String> {
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '>' if !quoted => return Ok(at),
            '<' => return Err(format!("< in a tag: {}", &text[..at])),
            _ => {}
        }
    }
    Err("a tag never ends".to_owned())
}

fn tag(inside: &str) -> Result<Tag, String> {
    let (name, mut rest) = match inside.find(char::is_whitespace) {
        Some(at) => inside.split_at(at),
        None => (inside, ""),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!("no name of a tag: {inside:?}"));
    }
    let mut attributes: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let (key, after) = rest
            .split_once("=\"")
            .ok_or_else(|| format!("no quoted attribute: {rest:?}"))?;
        let (value, after) = after
            .split_once('"')
            .ok_or_else(|| format!("an attribute never ends: {rest:?}"))?;
        if attributes.iter().any(|(known, _)| known == key) {
            return Err(format!("{key} twice in <{name}>"));
        }
        check_entities(value)?;
        attributes.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
    Ok(Tag {
        name: name.to_owned(),
        attributes,
    })
}

fn check_text(text: &str, open: &[String]) -> Result<(), String> {
    if open.last().is_some_and(|name| name == "style") {
        return Ok(());
    }
    if text.contains('>') {
        return Err(format!("bare > in {text:?}"));
    }
    check_entities(text)
}

fn check_entities(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];
        if !known.iter().any(|entity| text[at..].starts_with(entity)) {
            return Err(format!("bare & in {text:?}"));
        }
    }
    Ok(())
}

#[test]
fn the_reader_notices_what_is_wrong() {
    assert!(tags("<p class=\"a\">a &lt; b<br>c</p><svg><g/></svg>").is_ok());
    for wrong in [
        "<p>",
        "</p>",
        "<p><b></p></b>",
        "<p class=a>x</p>",
        "<p id=\"a\" id=\"b\">x</p>",
        "a & b",
        "<p>a > b</p>",
        "<p",
    ] {
        assert!(tags(wrong).is_err(), "{wrong}");
    }
}
