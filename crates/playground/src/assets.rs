//! The page, compiled in.

/// One file of the page.
pub(crate) struct Asset {
    path: &'static str,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// Its content.
    pub(crate) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($path:literal, $kind:ident, $file:literal) => {
        Asset {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!("../page/", $file)),
        }
    };
}

const ASSETS: [Asset; 16] = [
    asset!("/", HTML, "index.html"),
    asset!("/icon.svg", SVG, "icon.svg"),
    asset!("/page.css", CSS, "page.css"),
    asset!("/draw.css", CSS, "draw.css"),
    asset!("/parts.css", CSS, "parts.css"),
    asset!("/main.js", SCRIPT, "main.js"),
    asset!("/ask.js", SCRIPT, "ask.js"),
    asset!("/paint.js", SCRIPT, "paint.js"),
    asset!("/pad.js", SCRIPT, "pad.js"),
    asset!("/draw.js", SCRIPT, "draw.js"),
    asset!("/inside.js", SCRIPT, "inside.js"),
    asset!("/filters.js", SCRIPT, "filters.js"),
    asset!("/picture.js", SCRIPT, "picture.js"),
    asset!("/backprop.js", SCRIPT, "backprop.js"),
    asset!("/graph.js", SCRIPT, "graph.js"),
    asset!("/runs.js", SCRIPT, "runs.js"),
];

/// The file at this path.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_nothing_is_inline_and_nothing_comes_from_elsewhere() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= 300_000, "{bytes} bytes");
        for asset in &ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            let inline = ["style=\"", "onclick", "<style", "javascript:", "eval("];
            for word in ["http://", "https://"].into_iter().chain(inline) {
                assert!(!text.contains(word), "{} holds {word}", asset.path);
            }
            for script in text.split("<script").skip(1) {
                let is_module = script.starts_with(" type=\"module\" src=\"/");
                assert!(is_module, "{}", asset.path);
            }
        }
    }
}
