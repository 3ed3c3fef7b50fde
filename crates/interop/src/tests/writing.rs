//! What goes out, and into run folders.

use std::fs;
use std::sync::Barrier;
use std::thread;

use digits_data::Normalization;
use digits_train::{Recipe, RunFolder};
use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, ModelProto};
use serde_json::json;

use super::{config, fixture, opened, state_dict, take, with_first_value};
use crate::export::{FloatType, export, script};
use crate::layout::{Parameters, torch_tensors};
use crate::onnx::onnx;

#[test]
fn metadata_say_the_type_and_whose_accuracies_they_are() {
    let run = RunFolder::pretrained("cnn").unwrap();
    for (to, key) in [
        (FloatType::F32, "test_accuracy"),
        (FloatType::F16, "test_accuracy_f32"),
        (FloatType::Bf16, "test_accuracy_f32"),
    ] {
        let exported = export(&run, to).unwrap();
        let file = opened("cnn.safetensors", &exported.bytes).unwrap();
        assert_eq!(file.metadata["dtype"], to.name());
        let mut keys = file.metadata.keys();
        assert_eq!(keys.find(|key| key.starts_with("test_acc")).unwrap(), key);
        // What it was trained on comes back with it.
        assert_eq!(file.dataset().as_deref(), Some("mnist"));
    }
}

#[test]
fn a_value_beyond_the_range_of_a_type_is_named_and_fits_into_a_wider_one() {
    let folder = tempfile::tempdir().unwrap();
    let good = state_dict();
    for (value, narrow, wide, advice) in [
        (70_000.0, FloatType::F16, FloatType::Bf16, "use bf16 or f32"),
        (f32::MAX, FloatType::Bf16, FloatType::F32, "use f32"),
    ] {
        let [file, run] = ["file", "run"].map(|kind| folder.path().join(format!("{kind}-{value}")));
        fs::write(&file, with_first_value(&good, "classifier.0.weight", value)).unwrap();
        take(&file, &config("cnn-batchnorm"), &run).unwrap();
        let run = RunFolder::new(run);
        let (error, narrow) = (export(&run, narrow).unwrap_err(), narrow.name());
        assert_eq!(
            error.to_string(),
            format!("classifier.0.weight holds {value:e}, which {narrow} cannot hold; {advice}")
        );
        export(&run, wide).unwrap();
    }
}

#[test]
fn of_several_imports_into_one_folder_one_succeeds() {
    let (file, network) = (fixture("state-dict.pt"), config("cnn-batchnorm"));
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let run = folder.path().join(round.to_string());
        let barrier = Barrier::new(4);
        let attempt = || {
            barrier.wait();
            usize::from(take(&file, &network, &run).is_ok())
        };
        let made = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(attempt));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(made.iter().sum::<usize>(), 1, "round {round}");
    }
}

#[test]
fn the_script_has_the_dropout_layers_and_counts_them_in_the_names() {
    let mut recipe = Recipe::built_in("cnn").unwrap();
    for change in ["model.dropout=0.5", "model.blocks.0.dropout=0.25"] {
        recipe.set(change).unwrap();
    }
    let model = recipe.resolve().unwrap().model;
    let normalization = Normalization::new(0.0, 1.0).unwrap();
    let text = script(&model, &normalization, "x.safetensors").unwrap();
    for both in [
        "MaxPool2d(2),\n nn.Dropout(0.25)",
        "ReLU(),\n nn.Dropout(0.5)",
    ] {
        let both = both.replace(' ', &" ".repeat(12));
        assert_eq!(text.matches(&both).count(), 1, "{both} is not in:\n{text}");
    }
    let tensors = torch_tensors(&model).unwrap();
    let names = tensors.iter().map(|tensor| tensor.name.as_str());
    let layers = names.filter_map(|name| name.strip_suffix(".weight"));
    let expected = ["features.0", "features.4", "classifier.0", "classifier.3"];
    assert_eq!(layers.collect::<Vec<_>>(), expected);
}

/// Nodes as lines `Kind(values taken) attributes`.
fn nodes(graph: &GraphProto) -> String {
    let shown = |attribute: &AttributeProto| {
        let name = attribute.name.as_deref().unwrap();
        match (attribute.i, attribute.f) {
            (Some(value), _) => format!(" {name}={value}"),
            (_, Some(value)) => format!(" {name}={value}"),
            _ => format!(" {name}={:?}", attribute.ints),
        }
    };
    let nodes = graph.node.iter().map(|node| {
        let (kind, taken) = (node.op_type.as_deref().unwrap(), node.input.len());
        let attributes: String = node.attribute.iter().map(shown).collect();
        format!("{kind}({taken}){attributes}\n")
    });
    nodes.collect()
}

#[test]
fn every_layer_becomes_its_onnx_operator_between_bytes_and_logits() {
    let batchnorm = "\
Cast(1) to=1
Div(2)
Sub(2)
Div(2)
Conv(2) kernel_shape=[3, 3] strides=[1, 1] pads=[1, 1, 1, 1]
BatchNormalization(5) epsilon=0.00001
Relu(1)
Conv(2) kernel_shape=[3, 3] strides=[2, 2] pads=[0, 0, 1, 1]
BatchNormalization(5) epsilon=0.00001
Relu(1)
MaxPool(1) kernel_shape=[2, 2] strides=[2, 2]
Flatten(1) axis=1
Gemm(3) transB=1
Relu(1)
Gemm(3) transB=1
";
    // Of the zeros around an even kernel, the odd one goes after.
    let even = "Conv(3) kernel_shape=[2, 2] strides=[1, 1] pads=[0, 0, 1, 1]\n";
    let cases = [
        ("cnn-batchnorm", batchnorm),
        ("mlp-tanh", "Tanh(1)\n"),
        ("cnn-same", even),
    ];
    for (name, part) in cases {
        let model = config(name).model;
        let tensors = torch_tensors(&model).unwrap().into_iter();
        let zeros = tensors.map(|tensor| (tensor.clone(), vec![0.0; tensor.elements()]));
        let zeros = Parameters(zeros.collect());
        let normalization = Normalization::new(0.25, 0.5).unwrap();
        let metadata = json!({"format": "pt", "recipe": "test"});
        let bytes = onnx(&model, &normalization, &zeros, &metadata).unwrap();
        let file = ModelProto::parse_buf(&bytes).unwrap();
        assert!(file.opset_import[0].version.is_some());
        assert_eq!(file.metadata_props[0].value.as_deref(), Some("test"));
        let graph = file.graph.unwrap();
        let nodes = nodes(&graph);
        assert!(nodes.contains(part), "{name}:\n{nodes}");

        let input = model.input();
        let images = [1, input.height, input.width];
        for (value, name, element, sizes) in [
            (&graph.input[0], "image", DataType::UINT8, &images[..]),
            (
                &graph.output[0],
                "logits",
                DataType::FLOAT,
                &[input.classes],
            ),
        ] {
            let tensor = value.r#type.clone().unwrap().tensor_type.unwrap();
            let dims = tensor.shape.unwrap().dim;
            let found: Vec<i64> = dims.iter().map(|dim| dim.dim_value.unwrap_or(-1)).collect();
            let sizes = [-1]
                .into_iter()
                .chain(sizes.iter().map(|&size| size as i64));
            assert_eq!(found, sizes.collect::<Vec<_>>());
            assert_eq!(value.name.as_deref(), Some(name));
            assert_eq!(tensor.elem_type, Some(element));
        }
        // Every constant is there once.
        let constants = graph.initializer.iter().flat_map(|tensor| &tensor.name);
        let mut constants: Vec<&String> = constants.collect();
        let used = graph.node.iter().flat_map(|node| &node.input[1..]);
        let mut used: Vec<&String> = used.collect();
        constants.sort_unstable();
        used.sort_unstable();
        assert_eq!(constants, used);
    }
}
