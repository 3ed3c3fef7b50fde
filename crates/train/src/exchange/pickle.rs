use std::collections::HashMap;

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
    /// `('storage', class, key, device, elements)`.
    Storage {
        class: String,
        key: String,
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
    let mut machine = Machine {
        input: bytes,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
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
}

/// Calls, storages and shapes have fewer items than this.
const MOST_ARGUMENTS: usize = 8;

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

struct Machine<'a> {
    input: &'a [u8],
    values: Vec<Value>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
}

type Result<T, E = PickleError> = std::result::Result<T, E>;

fn damaged(reason: impl Into<String>) -> PickleError {
    PickleError::Damaged(reason.into())
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<usize> {
        loop {
            let [code] = self.take()?;
            match code {
                0x80 => drop(self.take::<1>()?), // PROTO
                0x95 => drop(self.take::<8>()?), // FRAME
                b'.' => return self.pop(),       // STOP
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'N' => self.push(Value::None),
                0x88 => self.push(Value::Bool(true)),
                0x89 => self.push(Value::Bool(false)),
                b'K' => {
                    let [byte] = self.take()?;
                    self.push(Value::Int(i64::from(byte)));
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.take()?);
                    self.push(Value::Int(i64::from(value)));
                }
                b'J' => {
                    let value = i32::from_le_bytes(self.take()?);
                    self.push(Value::Int(i64::from(value)));
                }
                0x8a => self.long()?,
                b'G' => {
                    let value = f64::from_be_bytes(self.take()?);
                    self.push(Value::Float(value));
                }
                b'X' => {
                    let length = u32::from_le_bytes(self.take()?) as usize;
                    let text = self.text(length)?;
                    self.push(Value::Text(text));
                }
                0x8c => {
                    let [length] = self.take()?;
                    let text = self.text(usize::from(length))?;
                    self.push(Value::Text(text));
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.global(&module, &name)?;
                }
                b'}' => self.push(Value::Dict(Vec::new())),
                b']' | b')' | 0x8f => self.push(Value::Sequence(Vec::new())),
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Sequence(items));
                }
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let start = self.stack.len().checked_sub(count);
                    let start = start.ok_or_else(|| damaged("its stack runs empty"))?;
                    let items = self.stack.split_off(start);
                    self.push(Value::Sequence(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(&[key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(&items)?;
                }
                b'Q' => self.persistent()?,
                b'R' => self.reduce()?,
                // Attributes of an object, such as `_metadata` of a state dict: of no use here.
                b'b' => drop(self.pop()?),
                b'q' => {
                    let [key] = self.take()?;
                    self.remember(u32::from(key))?;
                }
                b'r' => {
                    let key = u32::from_le_bytes(self.take()?);
                    self.remember(key)?;
                }
                0x94 => {
                    let key = self.memo.len() as u32;
                    self.remember(key)?;
                }
                b'h' => {
                    let [key] = self.take()?;
                    self.recall(u32::from(key))?;
                }
                b'j' => {
                    let key = u32::from_le_bytes(self.take()?);
                    self.recall(key)?;
                }
                other => {
                    return Err(damaged(format!(
                        "its pickle uses the instruction 0x{other:02x}, which no state dict needs"
                    )));
                }
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (first, rest) = self
            .input
            .split_first_chunk()
            .ok_or_else(|| damaged("its pickle ends too early"))?;
        self.input = rest;
        Ok(*first)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let (first, rest) = self
            .input
            .split_at_checked(length)
            .ok_or_else(|| damaged("its pickle ends too early"))?;
        self.input = rest;
        Ok(first)
    }

    fn text(&mut self, length: usize) -> Result<String> {
        let bytes = self.slice(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| damaged("its pickle holds text that is none"))
    }

    fn line(&mut self) -> Result<String> {
        let length = self.input.iter().position(|&byte| byte == b'\n');
        let line = self.text(length.ok_or_else(|| damaged("its pickle ends too early"))?)?;
        self.slice(1)?;
        Ok(line)
    }

    /// LONG1: a little-endian integer of so many bytes, here at most 8.
    fn long(&mut self) -> Result<()> {
        let [length] = self.take()?;
        let bytes = self.slice(usize::from(length))?;
        if bytes.len() > 8 {
            return Err(damaged("its pickle holds an integer beyond 64 bits"));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut padded = [if negative { 0xff } else { 0 }; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(padded)));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<usize> {
        if self.marks.last() == Some(&self.stack.len()) {
            return Err(damaged("its stack runs empty"));
        }
        self.stack
            .pop()
            .ok_or_else(|| damaged("its stack runs empty"))
    }

    fn pop_mark(&mut self) -> Result<Vec<usize>> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self
            .stack
            .split_off(mark.ok_or_else(|| damaged("its stack has no mark"))?))
    }

    fn pop_text(&mut self) -> Result<String> {
        let index = self.pop()?;
        self.as_text(index)
    }

    fn as_text(&self, index: usize) -> Result<String> {
        match &self.values[index] {
            Value::Text(text) => Ok(text.clone()),
            other => Err(damaged(format!(
                "text is expected where its pickle has {}",
                other.kind()
            ))),
        }
    }

    fn as_size(&self, index: usize) -> Result<usize> {
        match self.values[index] {
            Value::Int(value) => usize::try_from(value)
                .map_err(|_| damaged(format!("its pickle has the size {value}"))),
            ref other => Err(damaged(format!(
                "a size is expected where its pickle has {}",
                other.kind()
            ))),
        }
    }

    /// Arguments, fields and shapes. A long one copied again and again would fill the memory.
    fn short_sequence(&self, index: usize) -> Result<&[usize]> {
        match &self.values[index] {
            Value::Sequence(items) if items.len() <= MOST_ARGUMENTS => Ok(items),
            other => Err(damaged(format!(
                "a short tuple is expected where its pickle has {}",
                other.kind()
            ))),
        }
    }

    fn sizes(&self, index: usize) -> Result<Vec<usize>> {
        let items = self.short_sequence(index)?;
        items.iter().map(|&item| self.as_size(item)).collect()
    }

    fn top(&mut self) -> Result<&mut Value> {
        let index = self.stack.last().copied();
        index
            .and_then(|index| self.values.get_mut(index))
            .ok_or_else(|| damaged("its stack runs empty"))
    }

    fn append(&mut self, new: Vec<usize>) -> Result<()> {
        match self.top()? {
            Value::Sequence(items) => {
                items.extend(new);
                Ok(())
            }
            other => Err(damaged(format!("its pickle appends to {}", other.kind()))),
        }
    }

    fn set_items(&mut self, new: &[usize]) -> Result<()> {
        match self.top()? {
            Value::Dict(items) => {
                items.extend(new.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            other => Err(damaged(format!(
                "its pickle sets items of {}",
                other.kind()
            ))),
        }
    }

    fn remember(&mut self, key: u32) -> Result<()> {
        let index = self.stack.last().copied();
        let index = index.ok_or_else(|| damaged("its stack runs empty"))?;
        self.memo.insert(key, index);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<()> {
        let index = self.memo.get(&key).copied();
        self.stack
            .push(index.ok_or_else(|| damaged("its pickle recalls what it never remembered"))?);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let global = format!("{module}.{name}");
        if !is_known(&global) {
            return Err(PickleError::Foreign(global));
        }
        self.push(Value::Global(global));
        Ok(())
    }

    /// A storage; its bytes lie in an archive entry of their own.
    fn persistent(&mut self) -> Result<()> {
        let index = self.pop()?;
        let fields = self.short_sequence(index)?.to_vec();
        let [tag, class, key, _device, _elements] = fields[..] else {
            return Err(damaged(
                "its pickle refers to a storage in an unknown way; PyTorch 1.6 or later writes what is read here",
            ));
        };
        let Value::Global(class) = self.values[class].clone() else {
            return Err(damaged("a storage has no class"));
        };
        if self.as_text(tag)? != "storage" {
            return Err(damaged("its pickle refers to something that is no storage"));
        }
        let key = self.as_text(key)?;
        self.push(Value::Storage { class, key });
        Ok(())
    }

    /// A call. Three are known, and none of them runs anything.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let arguments = self.short_sequence(arguments)?.to_vec();
        let Value::Global(callee) = self.values[callee].clone() else {
            return Err(damaged("its pickle calls something that is no function"));
        };
        match (callee.as_str(), &arguments[..]) {
            ("collections.OrderedDict", []) => self.push(Value::Dict(Vec::new())),
            ("torch._utils._rebuild_parameter", &[data, ..]) => self.stack.push(data),
            ("torch._utils._rebuild_tensor_v2", &[storage, offset, shape, strides, ..]) => {
                let tensor = Value::Tensor {
                    storage,
                    offset: self.as_size(offset)?,
                    shape: self.sizes(shape)?,
                    strides: self.sizes(strides)?,
                };
                self.push(tensor);
            }
            _ => {
                return Err(damaged(format!(
                    "its pickle calls {callee} with {} arguments",
                    arguments.len()
                )));
            }
        }
        Ok(())
    }
}
