use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::path::Path;

use pytorch_reader::PytorchReader;
use zip::{CompressionMethod, ZipArchive};

use crate::outline::{Outline, outline};
use crate::stored::{Source, Stored};

/// What the files of `torch.save` before version 1.6 begin with.
const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
/// A longer name is not that of a tensor.
const NAME_BYTES: usize = 1000;
/// Dictionaries around a tensor's own, at most.
const DEPTH: usize = 16;

/// The tensors of a file that `torch.save` wrote, under dotted names.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Stored>, String> {
    let outline = outlined(bytes)?;
    // What cannot be parsed, or holds nothing, is most often something else than weights.
    let refused = |reason: String| match &outline.foreign {
        Some(object) => format!(
            "{reason}. It refers to the Python object `{object}`, which is not part of a state dict. \
             Nothing was executed. Save the weights alone: torch.save(model.state_dict(), FILE)"
        ),
        None => reason,
    };
    let reader = PytorchReader::new(path).map_err(|error| refused(error.to_string()))?;
    let keys = Keys::new(&outline);
    let mut names = reader.keys();
    names.sort();
    if let Some(long) = names.iter().map(String::len).find(|&n| n > NAME_BYTES) {
        return Err(format!("a tensor has a name of {long} bytes"));
    }
    keys.check_all_are_named(&names)?;
    names.retain(|name| !keys.is_list_item(name));
    if !outline.root_has_attributes && has_model(path, &names, &keys) {
        names.retain(|name| name.starts_with("model."));
    }
    if names.is_empty() {
        return Err(refused("it holds no tensor".to_owned()));
    }
    let mut tensors = reader.into_tensors();
    let stored = names.into_iter().filter_map(|name| {
        let tensor = tensors.remove(&name)?;
        Some(Stored {
            place: keys.place(&name),
            name,
            shape: tensor.shape().to_vec(),
            element: format!("{:?}", tensor.dtype()),
            source: Source::Torch(tensor),
        })
    });
    Ok(stored.collect())
}

/// The outline of the pickle that lists the tensors.
fn outlined(bytes: &[u8]) -> Result<Outline<'_>, String> {
    if bytes.starts_with(b"PK") {
        return outline(zipped_pickle(bytes)?);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Err("it is a tar archive, as PyTorch before 0.1.10 wrote. Load it there and save it again with torch.save".to_owned());
    }
    if bytes.first() != Some(&0x80) {
        return Err("it is neither a .safetensors file nor one that torch.save wrote".to_owned());
    }
    if !bytes.starts_with(LEGACY_MAGIC) {
        return outline(bytes);
    }
    // Of the pickles that such a file begins with, the fourth holds what was saved.
    let mut rest = bytes;
    for _ in 0..3 {
        rest = &rest[outline(rest)?.length..];
    }
    let root = outline(rest)?;
    outline(&rest[root.length..])?; // the keys of the storages
    Ok(root)
}

/// The entry `data.pkl` of a zip archive. `torch.save` compresses nothing, so that a small file
/// cannot become a large one.
fn zipped_pickle(bytes: &[u8]) -> Result<&[u8], String> {
    let damaged = |error: zip::result::ZipError| format!("the zip archive is not whole: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() < directory_entries(bytes, archive.central_directory_start()) {
        return Err("two entries of its zip archive have one name".to_owned());
    }
    if archive.has_overlapping_entries().map_err(damaged)? {
        return Err("the entries of its zip archive overlap".to_owned());
    }
    let mut found: Option<(usize, &[u8])> = None;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?;
        if entry.compression() != CompressionMethod::Stored {
            let problem = "is compressed, which torch.save never does";
            return Err(format!("its entry {name:?} {problem}"));
        }
        let root = name.strip_suffix("data.pkl");
        let root = root.filter(|root| root.is_empty() || root.ends_with('/'));
        if let Some(root) = root
            && found.is_none_or(|(length, _)| root.len() < length)
        {
            let start = entry.data_start().unwrap_or(u64::MAX) as usize;
            let rest = bytes.get(start..).unwrap_or_default();
            let content = rest.get(..entry.size() as usize);
            let content = content.ok_or("its entry data.pkl reaches beyond the file")?;
            found = Some((root.len(), content));
        }
    }
    let missing = "the zip archive has no data.pkl, so torch.save did not write it";
    Ok(found.ok_or(missing)?.1)
}

/// Entries of the directory that begins at `start`; of two with one name the archive keeps one.
/// (APPNOTE.TXT 6.3.10, 4.3.12)
fn directory_entries(bytes: &[u8], start: u64) -> usize {
    const HEADER: usize = 46;
    let mut rest = bytes.get(start as usize..);
    let mut entries = 0;
    while let Some(header) = rest.filter(|rest| rest.starts_with(b"PK\x01\x02")) {
        let lengths = header.get(28..34).unwrap_or_default().as_chunks().0.iter();
        let lengths = lengths.map(|&length| usize::from(u16::from_le_bytes(length)));
        rest = header.get(HEADER + lengths.sum::<usize>()..);
        entries += 1;
    }
    entries
}

/// Whether this is a checkpoint `{"model": {…}, …}`, beside which an optimizer keeps tensors, too.
fn has_model(path: &Path, names: &[String], keys: &Keys<'_>) -> bool {
    let mut inside = names.iter().filter_map(|name| name.strip_prefix("model."));
    inside.any(|name| keys.places.contains_key(name))
        && PytorchReader::with_top_level_key(path, "model").is_ok()
}

/// The keys under which tensors stand in their dictionaries: the last parts of their names.
struct Keys<'a> {
    /// Where each stands in the file.
    places: HashMap<&'a str, Vec<usize>>,
    module: bool,
}

impl<'a> Keys<'a> {
    fn new(outline: &Outline<'a>) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, &key) in outline.keys.iter().enumerate() {
            places.entry(key).or_default().push(place);
        }
        let module = outline.module;
        Self { places, module }
    }

    /// The keys that a name ends with, the longest first: that is most often the tensor's own,
    /// and what stands before it are the keys of dictionaries around its own.
    fn of(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let starts = name.match_indices('.').map(|(dot, _)| dot + 1);
        let starts = [0].into_iter().chain(starts).take(DEPTH);
        starts.filter_map(|start| Some(*self.places.get_key_value(&name[start..])?.0))
    }

    /// The place of a tensor among those of the file. In a whole module the keys of all layers
    /// are the same.
    fn place(&self, name: &str) -> Option<usize> {
        let key = self.of(name).next().filter(|_| !self.module)?;
        self.places.get(key)?.first().copied()
    }

    /// Of two tensors with one name the parser keeps either. (A module leaves some out.)
    fn check_all_are_named(&self, names: &[String]) -> Result<(), String> {
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            for (index, key) in self.of(name).enumerate() {
                *named.entry(key).or_default() += usize::from(index == 0);
            }
        }
        let tensors: usize = named.keys().map(|key| self.places[key].len()).sum();
        if self.module || tensors <= named.values().sum() {
            return Ok(());
        }
        let mut keys = named.iter();
        let lost = keys.find(|(key, named)| self.places[*key].len() > **named);
        let name = lost.map_or("the same", |(key, _)| key);
        Err(format!("it has two tensors named {name}"))
    }

    /// Whether it stands in a list, as the history of a training does, and not in a dictionary.
    fn is_list_item(&self, name: &str) -> bool {
        let leaf = name.rsplit('.').next().unwrap_or(name);
        leaf.parse::<usize>().is_ok() && !self.places.contains_key(leaf)
    }
}
