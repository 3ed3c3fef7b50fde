use std::collections::BTreeMap;
use std::ops::Range;

/// The entries of a zip archive that lies in memory, as `torch.save` writes it: nothing is
/// compressed, so every entry is a range of the file. Reference: APPNOTE.TXT 6.3.10, 4.3.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    entries: BTreeMap<&'a str, Entry>,
}

struct Entry {
    range: Range<usize>,
    checksum: u32,
}

const END: u32 = 0x0605_4b50;
const END_SIZE: usize = 22;
const CENTRAL: u32 = 0x0201_4b50;
const CENTRAL_SIZE: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_SIZE: usize = 30;
/// Entries beyond this many are no state dict.
const MOST_ENTRIES: usize = 100_000;

impl<'a> Archive<'a> {
    /// Reads the directory. The message of an error says what is wrong.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let cut = || "it ends too early: the zip archive is not whole".to_owned();
        // The end record is followed by a comment of at most 65,535 bytes.
        let first = bytes.len().saturating_sub(END_SIZE + usize::from(u16::MAX));
        let end = (first..=bytes.len().checked_sub(END_SIZE).ok_or_else(cut)?)
            .rev()
            .find(|&start| u32_at(bytes, start) == Some(END))
            .ok_or_else(cut)?;
        let mut at = u32_at(bytes, end + 16).ok_or_else(cut)? as usize;
        if at == u32::MAX as usize {
            return Err("zip64 archives (over 4 GiB) are not read".to_owned());
        }
        let mut entries = BTreeMap::new();
        while u32_at(bytes, at) == Some(CENTRAL) {
            let short = |offset| u16_at(bytes, at + offset).map(usize::from).ok_or_else(cut);
            let long = |offset| u32_at(bytes, at + offset).ok_or_else(cut);
            let name_length = short(28)?;
            let name = bytes
                .get(at + CENTRAL_SIZE..at + CENTRAL_SIZE + name_length)
                .ok_or_else(cut)?;
            let name = std::str::from_utf8(name)
                .map_err(|_| "the name of a zip entry is no UTF-8".to_owned())?;
            let size = long(24)? as usize;
            if short(10)? != 0 || long(20)? as usize != size {
                return Err(format!(
                    "its entry {name:?} is compressed, which torch.save never does"
                ));
            }
            let local = long(42)? as usize;
            if u32_at(bytes, local) != Some(LOCAL) {
                return Err(format!("its entry {name:?} does not begin where it should"));
            }
            let lengths = [26, 28].map(|offset| u16_at(bytes, local + offset).map(usize::from));
            let [Some(name_length_again), Some(extra)] = lengths else {
                return Err(cut());
            };
            let start = local + LOCAL_SIZE + name_length_again + extra;
            if start
                .checked_add(size)
                .is_none_or(|stop| stop > bytes.len())
            {
                return Err(format!(
                    "its entry {name:?} claims {size} bytes, more than the file has"
                ));
            }
            let entry = Entry {
                range: start..start + size,
                checksum: long(16)?,
            };
            if entries.insert(name, entry).is_some() {
                return Err(format!("it has two entries named {name:?}"));
            }
            if entries.len() > MOST_ENTRIES {
                return Err(format!("it has more than {MOST_ENTRIES} entries"));
            }
            at += CENTRAL_SIZE + name_length + short(30)? + short(32)?;
        }
        if entries.is_empty() {
            return Err(cut());
        }
        // Entries on top of one another would be read, and their checksums taken, once for each.
        let mut ranges: Vec<&Range<usize>> = entries.values().map(|entry| &entry.range).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        if ranges.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err("its entries overlap, which torch.save never does".to_owned());
        }
        Ok(Self { bytes, entries })
    }

    /// The folder, with its slash, in which `data.pkl` lies.
    pub fn root(&self) -> Option<&'a str> {
        self.entries
            .keys()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|root| root.is_empty() || root.ends_with('/'))
            .min_by_key(|root| root.len())
    }

    /// Where the content of an entry lies in the file, its checksum verified.
    pub fn entry(&self, name: &str) -> Result<Option<Range<usize>>, String> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        // 0 stands for "none", which torch.save writes on request.
        let mut crc = flate2::Crc::new();
        crc.update(&self.bytes[entry.range.clone()]);
        if entry.checksum != 0 && crc.sum() != entry.checksum {
            return Err(format!(
                "its entry {name:?} is damaged: the checksum differs"
            ));
        }
        Ok(Some(entry.range.clone()))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}
