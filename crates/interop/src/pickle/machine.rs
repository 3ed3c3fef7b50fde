use std::collections::HashMap;

use super::{PickleError, Value, is_known};

/// Instructions beyond this many are no state dict: about forty list a tensor. Each makes at most
/// one value, one entry of the stack and one of the memo, so that this bounds the memory, too.
const MOST_STEPS: usize = 1_000_000;
/// Bytes of a module's or function's name, or of a storage's key.
const NAME_BYTES: usize = 100;

/// Calls, storages and shapes have fewer items than this.
const MOST_ARGUMENTS: usize = 8;

/// What is left of the input, and what has been made of it so far.
pub(super) struct Machine<'a> {
    input: &'a [u8],
    pub(super) values: Vec<Value>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
    steps: usize,
}

type Result<T, E = PickleError> = std::result::Result<T, E>;

fn damaged(reason: impl Into<String>) -> PickleError {
    PickleError::Damaged(reason.into())
}

fn no_name() -> PickleError {
    damaged(format!(
        "its pickle has a name that does not end within {NAME_BYTES} bytes"
    ))
}

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            steps: 0,
        }
    }

    /// Reads up to the end; the place of the value that is the whole.
    pub(super) fn run(&mut self) -> Result<usize> {
        loop {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(damaged(format!(
                    "its pickle has more than {MOST_STEPS} instructions, far more than a list of tensors"
                )));
            }
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
                    self.global(format!("{module}.{name}"))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let global = format!("{}.{}", self.as_name(module)?, self.as_name(name)?);
                    self.global(global)?;
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

    /// A name up to the end of its line.
    fn line(&mut self) -> Result<String> {
        let mut start = self.input.iter().take(NAME_BYTES + 1);
        let length = start.position(|&byte| byte == b'\n');
        let line = self.text(length.ok_or_else(no_name)?)?;
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

    /// A short text: the name of a module or function, or the key of a storage.
    fn as_name(&self, index: usize) -> Result<&str> {
        match &self.values[index] {
            Value::Text(text) if text.len() <= NAME_BYTES => Ok(text),
            Value::Text(_) => Err(no_name()),
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

    fn global(&mut self, global: String) -> Result<()> {
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
        if !matches!(self.values[class], Value::Global(_)) {
            return Err(damaged("a storage has no class"));
        }
        if self.as_name(tag)? != "storage" {
            return Err(damaged("its pickle refers to something that is no storage"));
        }
        self.as_name(key)?;
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
