//! A look through a pickle before `pytorch-reader` parses it: what that parser does not limit,
//! the order of the tensors, which its map forgets, and the names of unknown objects.

use std::collections::HashMap;

/// Pickles with more instructions list no tensors.
const MOST_INSTRUCTIONS: usize = 1_000_000;
/// Names of classes and functions have at most this many bytes.
const NAME_BYTES: usize = 100;
/// What the parser may take beyond its own limits.
const MOST_BYTES: usize = 1 << 30;

/// What one pickle has in it.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    /// The text before each tensor, which is its key in the dictionary around it, in order.
    pub keys: Vec<&'a str>,
    /// Full name of the first class or function that no state dict needs.
    pub foreign: Option<String>,
    /// Whether a whole module was saved, and not its weights alone.
    pub module: bool,
    /// Whether the last instruction gives an object its attributes: the root is a module or a
    /// state dict, and not a plain dictionary around one.
    pub root_has_attributes: bool,
    /// Bytes of the pickle.
    pub length: usize,
}

/// What an instruction pushed, as far as it matters here.
#[derive(Clone, Copy)]
enum Pushed<'a> {
    Text(&'a str),
    Global(&'a str, &'a str),
    Other,
}

use Pushed::{Global, Other, Text};

/// Quantities that bound the memory of the parser, which copies values that are fetched from its
/// memo: it counts nodes and text, but not the sizes of tensors and keys of storages.
#[derive(Default)]
struct Cost {
    copies: usize,
    integers: usize,
    calls: usize,
    longest: usize,
    texts: usize,
}

impl Cost {
    fn bytes(&self) -> usize {
        // Shape and strides of a copied tensor; dotted names of all tensors.
        let copied = (16 * self.integers + self.longest).saturating_mul(self.copies);
        copied.saturating_add((self.calls + self.copies).saturating_mul(self.texts))
    }
}

/// Walks over the instructions of the pickle at the start of `bytes` (Python's `pickletools`,
/// protocols 0 to 5).
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline<'_>, String> {
    let mut outline = Outline::default();
    let mut cost = Cost::default();
    let mut memo: HashMap<usize, Pushed<'_>> = HashMap::new();
    // The topmost values of the stack, as long as nothing was taken from it.
    let mut last = [Other; 3];
    let mut code = 0;
    let mut rest = bytes;
    for _ in 0..MOST_INSTRUCTIONS {
        let before = code;
        let operand;
        (code, operand, rest) = instruction(rest)?;
        let pushed = match code {
            b'.' => {
                outline.root_has_attributes = before == b'b';
                outline.length = bytes.len() - rest.len();
                return Ok(outline);
            }
            b'q' | b'r' | b'p' | 0x94 => {
                cost.copies += usize::from(matches!(last[2], Other));
                let named = (code != 0x94).then(|| index(code, operand));
                memo.insert(named.unwrap_or(memo.len()), last[2]);
                continue;
            }
            b'h' | b'j' | b'g' => memo.get(&index(code, operand)).copied().unwrap_or(Other),
            b'X' | b'V' | b'U' | b'T' | 0x8c | 0x8d => {
                std::str::from_utf8(operand).map_or(Other, Text)
            }
            b'c' => {
                let names = std::str::from_utf8(operand);
                let names = names.map_err(|_| "a name in it is not UTF-8".to_owned())?;
                let (module, name) = names.split_once('\n').unwrap_or((names, ""));
                global(module, name)?
            }
            0x93 => {
                let [key, Text(module), Text(name)] = last else {
                    return Err("it names a class by something else than text".to_owned());
                };
                last = [Other, Other, key];
                global(module, name)?
            }
            b'K' | b'M' | b'J' | b'I' | b'L' | 0x8a | 0x8b => {
                cost.integers += 1;
                Other
            }
            _ => {
                cost.calls += usize::from(code == b'R');
                cost.copies += usize::from(code == b'2');
                last = [Other; 3];
                continue;
            }
        };
        match pushed {
            Text(text) => {
                outline.module |= text == "_parameters";
                cost.longest = cost.longest.max(text.len());
                cost.texts += text.len();
            }
            Global(module, name) => {
                if module.starts_with("torch._") && name.starts_with("_rebuild_") {
                    if let Text(key) = last[2] {
                        outline.keys.push(key);
                    }
                } else if outline.foreign.is_none() && !is_known(module, name) {
                    outline.foreign = Some(format!("{module}.{name}"));
                }
            }
            Other => {
                let fetched = matches!(code, b'h' | b'j' | b'g');
                cost.copies += usize::from(fetched);
                cost.integers += usize::from(fetched);
            }
        }
        last = [last[1], last[2], pushed];
        if cost.bytes() > MOST_BYTES {
            return Err("parsing its list of tensors would fill the memory".to_owned());
        }
    }
    Err(format!(
        "its list of tensors has more than {MOST_INSTRUCTIONS} instructions"
    ))
}

/// One instruction, its operand, and what follows.
fn instruction(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), String> {
    let cut = || "it ends too early".to_owned();
    let (&code, rest) = bytes.split_first().ok_or_else(cut)?;
    let prefix = match code {
        b'U' | b'C' | 0x8a | 0x8c => 1,
        b'T' | b'X' | b'B' | 0x8b => 4,
        0x8d | 0x8e | 0x96 => 8,
        _ => 0,
    };
    let (prefix, rest) = rest.split_at_checked(prefix).ok_or_else(cut)?;
    let line = |bytes: &[u8]| bytes.iter().position(|&byte| byte == b'\n').ok_or_else(cut);
    // Bytes of the operand, and of the end of its last line.
    let (length, end) = match code {
        _ if !prefix.is_empty() => (number(prefix), 0),
        b'K' | b'h' | b'q' | 0x80 => (1, 0),
        b'M' => (2, 0),
        b'J' | b'j' | b'r' => (4, 0),
        b'G' | 0x95 => (8, 0),
        b'I' | b'L' | b'F' | b'V' | b'g' | b'p' | b'P' => (line(rest)?, 1),
        b'c' => {
            let first = line(rest)? + 1;
            (first + line(&rest[first..])?, 1)
        }
        _ => (0, 0), // whether there is such an instruction is for the parser to say
    };
    let (operand, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    Ok((code, operand, &rest[end..]))
}

/// A number of up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> usize {
    let lowest_last = bytes.iter().rev();
    let value = lowest_last.fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The place in the memo that an instruction names.
fn index(code: u8, operand: &[u8]) -> usize {
    if !matches!(code, b'g' | b'p') {
        return number(operand);
    }
    let text = std::str::from_utf8(operand).unwrap_or_default();
    text.parse().unwrap_or(usize::MAX)
}

fn global<'a>(module: &'a str, name: &'a str) -> Result<Pushed<'a>, String> {
    if module.len().max(name.len()) <= NAME_BYTES {
        return Ok(Global(module, name));
    }
    Err(format!(
        "the name of a class in it is not within {NAME_BYTES} bytes"
    ))
}

/// Whether state dicts refer to it.
fn is_known(module: &str, name: &str) -> bool {
    match module {
        "collections" => name == "OrderedDict",
        "torch" => name.ends_with("Storage"),
        other => other == "torch.storage",
    }
}
