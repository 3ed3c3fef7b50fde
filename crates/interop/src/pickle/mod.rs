mod machine;

use machine::Machine;

/// A value of a pickle; containers refer to others by their place in [`Pickle::values`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A class or function, by its full name. Nothing but a name: it is never looked up.
    Global(String),
    /// Tuples, lists and sets.
    Sequence(Vec<usize>),
    /// `dict` and `OrderedDict`, in the order of the file.
    Dict(Vec<(usize, usize)>),
    /// `('storage', class, key, device, elements)`; places, not copies: a file may name one text
    /// a million times.
    Storage {
        class: usize,
        key: usize,
    },
    /// A view of a storage, as `torch._utils._rebuild_tensor_v2` would make it.
    Tensor {
        storage: usize,
        offset: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
    },
}

/// Why a pickle is not taken.
#[derive(Debug)]
pub(crate) enum PickleError {
    /// It refers to code that a state dict does not need.
    Foreign(String),
    /// Anything else.
    Damaged(String),
}

/// The values of a pickle and which of them is the whole.
#[derive(Debug)]
pub(crate) struct Pickle {
    values: Vec<Value>,
    root: usize,
}

/// Reads the part of the pickle language that state dicts are written in (Python's
/// `pickletools`, protocols 2 to 5). It is a parser, not an interpreter: classes and functions
/// are names, the calls of three are recognized, and every other name is refused.
pub(crate) fn parse(bytes: &[u8]) -> Result<Pickle, PickleError> {
    let mut machine = Machine::new(bytes);
    let root = machine.run()?;
    Ok(Pickle {
        values: machine.values,
        root,
    })
}

impl Pickle {
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    pub fn get(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::None)
    }

    /// The text or full name at a place.
    pub fn text(&self, index: usize) -> Option<&str> {
        match self.get(index) {
            Value::Text(text) | Value::Global(text) => Some(text),
            _ => None,
        }
    }
}

/// Names that a state dict may refer to.
fn is_known(global: &str) -> bool {
    matches!(
        global,
        "collections.OrderedDict"
            | "torch._utils._rebuild_tensor_v2"
            | "torch._utils._rebuild_parameter"
    ) || global
        .strip_prefix("torch.")
        .and_then(|name| name.strip_suffix("Storage"))
        .is_some_and(|kind| kind.chars().all(char::is_alphanumeric))
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Global(_) => "a name",
            Self::Sequence(_) => "a list or tuple",
            Self::Dict(_) => "a dictionary",
            Self::Storage { .. } => "a storage",
            Self::Tensor { .. } => "a tensor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        match parse(bytes) {
            Err(PickleError::Damaged(reason)) => reason,
            other => panic!("this must be refused: {:?}", other.map(|_| "read")),
        }
    }

    fn text(text: &str) -> Vec<u8> {
        [
            &b"X"[..],
            &(text.len() as u32).to_le_bytes(),
            text.as_bytes(),
        ]
        .concat()
    }

    #[test]
    fn a_small_file_cannot_fill_the_memory() {
        // Sixteen million values, marks, or entries of the stack, from as many bytes.
        for code in [&b"N"[..], b"(", b"h\0", b")", b"\x94"] {
            let bytes = [b"\x80\x02}q\0", &code.repeat(2_000_000)[..], b"."].concat();
            assert!(refused(&bytes).contains("more than 1000000 instructions"));
        }
        // One long text as the class, then as the key, of very many storages.
        let long = "A".repeat(200);
        let class = [b"ctorch\n", long.as_bytes(), b"Storage\n."].concat();
        assert!(refused(&class).contains("within 100 bytes"));
        let class = [
            &text("torch")[..],
            &text(&format!("{long}Storage")),
            b"\x93.",
        ]
        .concat();
        assert!(refused(&class).contains("within 100 bytes"));
        let storage = [
            &b"("[..],
            &text("storage"),
            b"ctorch\nFloatStorage\n",
            &text(&long),
            &text("cpu"),
            b"K\x01tQ.",
        ]
        .concat();
        assert!(refused(&storage).contains("within 100 bytes"));
    }

    #[test]
    fn storages_share_the_text_of_their_class_and_key() {
        let bytes = [
            &b"("[..],
            &text("storage"),
            b"ctorch\nFloatStorage\n",
            &text("17"),
            &text("cpu"),
            b"K\x01tQ.",
        ]
        .concat();
        let pickle = parse(&bytes).unwrap();
        let Value::Storage { class, key } = *pickle.root() else {
            panic!("a storage")
        };
        let read = (pickle.text(class), pickle.text(key));
        assert_eq!(read, (Some("torch.FloatStorage"), Some("17")));
    }
}
