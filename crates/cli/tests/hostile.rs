//! Files of weights that are damaged or mean harm, as a person meets them: exit status 1, one
//! message, no run folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use common::{run, stderr};
use serde_json::{Map, Value, json};

/// Weights, and the options that import them where they are whole.
struct Case {
    folder: tempfile::TempDir,
    options: Vec<String>,
}

/// The configuration of the smallest network with a `weight` and a `bias` in one layer.
const NETWORK: &str = "[model]\nkind = \"mlp\"\nhidden = []\n\
                       input = { height = 2, width = 2, classes = 2 }\n";

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("network.toml");
        fs::write(&config, NETWORK).unwrap();
        let options = [
            "--config",
            &config.display().to_string(),
            "--normalize",
            "0,1",
        ];
        Self {
            options: options.map(str::to_owned).to_vec(),
            folder,
        }
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn import(&self, file: &Path) -> std::process::Output {
        let (file, folder) = (file.display().to_string(), self.run_folder());
        let options = self.options.iter().map(String::as_str);
        let folder = folder.display().to_string();
        run(["import", &file, "--run", &folder]
            .into_iter()
            .chain(options))
    }

    /// These bytes come in.
    fn taken(&self, name: &str, bytes: &[u8]) {
        let file = self.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = self.import(&file);
        assert!(output.status.success(), "{}", stderr(&output));
        fs::remove_dir_all(self.run_folder()).unwrap();
    }

    fn refused_file(&self, file: &Path, part: &str) {
        let output = self.import(file);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{part}: {said}");
        assert!(output.stdout.is_empty(), "{part}");
        let errors = said.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(part),
            "`{part}`: {said}"
        );
        assert!(!self.run_folder().exists(), "{part}: a folder is left");
    }

    fn refused(&self, name: &str, bytes: &[u8], part: &str) {
        let file = self.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        self.refused_file(&file, part);
    }
}

const WEIGHTS: [f32; 10] = [0.5, -0.5, 1.0, 0.0, 2.0, -1.0, 0.25, 0.75, 0.1, 0.2];

fn header() -> Map<String, Value> {
    let header = json!({
        "classifier.0.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]},
        "classifier.0.bias": {"dtype": "F32", "shape": [2], "data_offsets": [32, 40]},
    });
    header.as_object().unwrap().clone()
}

fn data() -> Vec<u8> {
    WEIGHTS.into_iter().flat_map(f32::to_le_bytes).collect()
}

fn safetensors(header: &Map<String, Value>, data: &[u8]) -> Vec<u8> {
    with_length(|length| length, header, data)
}

fn with_length(of: fn(u64) -> u64, header: &Map<String, Value>, data: &[u8]) -> Vec<u8> {
    let header = Value::Object(header.clone()).to_string();
    let length = of(header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), data].concat()
}

#[test]
fn safetensors_that_are_damaged_or_lie() {
    let case = Case::new();
    let name = "x.safetensors";
    let refused = |bytes: &[u8], part: &str| case.refused(name, bytes, part);
    let good = safetensors(&header(), &data());
    case.taken(name, &good);

    refused(b"", "no whole .safetensors file");
    case.refused_file(case.folder.path(), "no file");
    for length in [1, 7, 8, 9, good.len() / 2, good.len() - 1] {
        refused(&good[..length], "no whole .safetensors file");
    }
    // One byte less or more, none, just over the file, and everything that 64 bits can say.
    let lengths: [fn(u64) -> u64; 6] = [
        |l| l - 1,
        |l| l + 1,
        |_| 0,
        |l| l + 41,
        |_| 1 << 40,
        |_| u64::MAX,
    ];
    for of in lengths {
        refused(&with_length(of, &header(), &data()), "cannot be read");
    }
    let changed = |key: &str, field: &str, value: Value| {
        let mut header = header();
        header[key][field] = value;
        safetensors(&header, &data())
    };
    let weight = "classifier.0.weight";
    for offsets in [
        json!([0, 1_u64 << 40]),
        json!([32, 0]),
        json!([0, 36]),
        json!([-1, 32]),
    ] {
        refused(&changed(weight, "data_offsets", offsets), "cannot be read");
    }
    for shape in [
        json!([1_u64 << 62, 4]),
        json!([u64::MAX, u64::MAX]),
        json!([2, 5]),
    ] {
        refused(&changed(weight, "shape", shape), "cannot be read");
    }
    refused(
        &changed(weight, "dtype", json!("I32")),
        "its elements are I32",
    );
    refused(&changed(weight, "dtype", json!("F33")), "cannot be read");
    let bytes = safetensors(&header(), &[data(), vec![0; 4]].concat());
    refused(&bytes, "no whole .safetensors file"); // more than the header says

    let one = r#""x":{"dtype":"F32","shape":[10],"data_offsets":[0,40]}"#;
    let twice = format!("{{{one},{one}}}");
    let bytes = [
        &(twice.len() as u64).to_le_bytes()[..],
        twice.as_bytes(),
        &data(),
    ]
    .concat();
    refused(&bytes, "two tensors named x");

    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = data();
        data[12..16].copy_from_slice(&value.to_le_bytes());
        refused(
            &safetensors(&header(), &data),
            "classifier.0.weight: 1 of 8 values",
        );
    }
    // Numbers of 64 bits beyond those of 32.
    let mut wide = header();
    wide[weight] = json!({"dtype": "F64", "shape": [2, 4], "data_offsets": [8, 72]});
    wide["classifier.0.bias"]["data_offsets"] = json!([0, 8]);
    let doubles = |value: f64| [value; 8].into_iter().flat_map(f64::to_le_bytes);
    let bytes = |value| {
        safetensors(
            &wide,
            &[0; 8].into_iter().chain(doubles(value)).collect::<Vec<_>>(),
        )
    };
    case.taken(name, &bytes(1.0));
    refused(&bytes(1e300), "8 of 8 values are no finite 32-bit numbers");
}

#[test]
fn what_a_file_says_of_itself() {
    let case = Case::new();
    let with = |metadata: Value| {
        let mut header = header();
        header.insert("__metadata__".to_owned(), metadata);
        safetensors(&header, &data())
    };
    let model =
        json!({"kind": "mlp", "hidden": [], "input": {"height": 2, "width": 2, "classes": 2}});
    let model = model.to_string();
    let file = case.folder.path().join("x.safetensors");
    let import = |normalization: &str| {
        let metadata = json!({"model": model, "recipe": "../../escape", "normalization": normalization, "dataset": "\u{1b}[2Jmine"});
        fs::write(&file, with(metadata)).unwrap();
        // In a folder of its own, without --run: the name becomes part of a path.
        let inside = case.folder.path().join("inside");
        fs::create_dir_all(&inside).unwrap();
        let mut command = common::digits();
        command
            .current_dir(&inside)
            .args(["import", "../x.safetensors"]);
        command.output().unwrap()
    };
    for normalization in [
        r#"{"mean":0.1,"std":0}"#,
        r#"{"mean":1e300,"std":1}"#,
        "[]",
        "mean",
    ] {
        let output = import(normalization);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("`normalization` makes no sense"), "{said}");
        assert!(!case.folder.path().join("inside/artifacts").exists());
    }
    let output = import(r#"{"mean":0.1,"std":0.3}"#);
    assert!(output.status.success(), "{}", stderr(&output));
    let record = fs::read(
        case.folder
            .path()
            .join("inside/artifacts/imported-1/run.json"),
    )
    .unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["recipe"], "imported");
    assert_eq!(record["dataset"]["name"], "�[2Jmine");
    // Trained further, the run stays in the folder of runs, too.
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
}

#[test]
fn files_too_large_to_be_weights_are_not_read() {
    let case = Case::new();
    for name in ["x.safetensors", "x.pt"] {
        let path = case.folder.path().join(name);
        let file = File::create(&path).unwrap();
        file.set_len((1 << 30) + (1 << 20)).unwrap(); // sparse: it takes no room on the disk
        case.refused_file(&path, "it has 1025 MiB");
    }
}

/// One entry of an archive.
struct Entry {
    name: &'static str,
    content: Vec<u8>,
    /// As the directory says it.
    method: u16,
    claimed: Option<u32>,
}

fn entry(name: &'static str, content: impl Into<Vec<u8>>) -> Entry {
    Entry {
        name,
        content: content.into(),
        method: 0,
        claimed: None,
    }
}

/// A zip archive without checksums.
fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let size = entry
            .claimed
            .unwrap_or(entry.content.len() as u32)
            .to_le_bytes();
        let name = (entry.name.len() as u16).to_le_bytes();
        let offset = (file.len() as u32).to_le_bytes();
        let method = entry.method.to_le_bytes();
        directory.extend(b"PK\x01\x02");
        for part in [
            &[0; 6][..],
            &method,
            &[0; 8],
            &size,
            &size,
            &name,
            &[0; 12],
            &offset,
        ] {
            directory.extend(part);
        }
        directory.extend(entry.name.as_bytes());
        file.extend(b"PK\x03\x04");
        for part in [&[0; 4][..], &method, &[0; 8], &size, &size, &name, &[0; 2]] {
            file.extend(part);
        }
        file.extend(entry.name.as_bytes());
        file.extend(&entry.content);
    }
    let start = (file.len() as u32).to_le_bytes();
    let size = (directory.len() as u32).to_le_bytes();
    let count = (entries.len() as u16).to_le_bytes();
    file.extend(&directory);
    file.extend(b"PK\x05\x06");
    for part in [&[0; 4][..], &count, &count, &size, &start, &[0; 2]] {
        file.extend(part);
    }
    file
}

/// A pickled dictionary of views into one storage: name, offset, shape.
fn pickle(tensors: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let mut bytes = b"\x80\x02}".to_vec();
    for (name, offset, shape) in tensors {
        bytes.extend(text(name));
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend([text("storage"), b"ctorch\nFloatStorage\n".to_vec()].concat());
        bytes.extend([text("0"), text("cpu"), b"K\x0atQK".to_vec(), vec![*offset]].concat());
        let strides = [&[4, 1][..], &[1]][2 - shape.len()];
        for sizes in [*shape, strides] {
            bytes.push(b'(');
            bytes.extend(sizes.iter().flat_map(|size| [b'K', *size]));
            bytes.push(b't');
        }
        bytes.extend(b"\x89}tRs");
    }
    bytes.push(b'.');
    bytes
}

const WEIGHT: (&str, u8, &[u8]) = ("classifier.0.weight", 0, &[2, 4]);
const BIAS: (&str, u8, &[u8]) = ("classifier.0.bias", 8, &[2]);

#[test]
fn state_dicts_that_are_damaged_or_lie() {
    let case = Case::new();
    let refused = |bytes: &[u8], part: &str| case.refused("x.pt", bytes, part);
    let whole = || {
        vec![
            entry("x/data.pkl", pickle(&[WEIGHT, BIAS])),
            entry("x/data/0", data()),
        ]
    };
    let good = zip(&whole());
    case.taken("x.pt", &good);

    refused(
        b"",
        "neither a .safetensors file nor one that torch.save wrote",
    );
    for length in [1, 4, 30, good.len() / 2, good.len() - 1] {
        refused(&good[..length], "cannot be read");
    }
    let changed = |change: fn(&mut Vec<Entry>)| {
        let mut entries = whole();
        change(&mut entries);
        zip(&entries)
    };
    refused(&changed(|e| e[1].method = 8), "is compressed");
    refused(
        &changed(|e| e[1].claimed = Some(1 << 30)),
        "claims 1073741824 bytes",
    );
    refused(
        &changed(|e| e[1].claimed = Some(u32::MAX - 1)),
        "more than the file has",
    );
    refused(
        &changed(|e| e.push(entry("x/byteorder", "big"))),
        "big-endian",
    );
    refused(
        &changed(|e| e.push(entry("x/data/0", data()))),
        "two entries named",
    );
    refused(
        &changed(|e| drop(e.pop())),
        "the values of classifier.0.weight are missing",
    );
    refused(&changed(|e| drop(e.remove(0))), "no data.pkl");
    refused(
        &changed(|e| e[1].content.truncate(36)),
        "reaches beyond its storage",
    );
    // Over sixteen MiB of instructions, and under it, but too many of them.
    let long = |length: usize| [&b"\x80\x02"[..], &b"N".repeat(length), b"."].concat();
    refused(
        &zip(&[entry("x/data.pkl", long(17 << 20))]),
        "data.pkl has 17 MiB",
    );
    refused(
        &zip(&[entry("x/data.pkl", long(15 << 20))]),
        "1000000 instructions",
    );

    let of = |tensors: &[(&str, u8, &[u8])], data: Vec<u8>| {
        zip(&[
            entry("x/data.pkl", pickle(tensors)),
            entry("x/data/0", data),
        ])
    };
    refused(
        &of(&[WEIGHT, BIAS, BIAS], data()),
        "two tensors named classifier.0.bias",
    );
    refused(
        &of(&[WEIGHT, (BIAS.0, 9, BIAS.2)], data()),
        "reaches beyond its storage",
    );
    refused(&of(&[WEIGHT], data()), "missing: classifier.0.bias");
    let nan = [&f32::NAN.to_le_bytes()[..], &data()[4..]].concat();
    refused(
        &of(&[WEIGHT, BIAS], nan),
        "classifier.0.weight: 1 of 8 values",
    );
}
