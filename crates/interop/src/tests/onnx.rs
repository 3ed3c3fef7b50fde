//! Every layer becomes its ONNX operator.

use digits_data::Normalization;
use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, ModelProto};

use super::support::config;
use crate::onnx::onnx;
use crate::parameters::Parameters;
use crate::torch_tensors;

/// The model of a reference with parameters that are all 0.
fn written(name: &str) -> ModelProto {
    let model = config(name).model;
    let tensors = torch_tensors(&model).unwrap().into_iter();
    let zeros = tensors.map(|tensor| (tensor.clone(), vec![0.0; tensor.elements()]));
    let zeros = Parameters(zeros.collect());
    let normalization = Normalization::new(0.25, 0.5).unwrap();
    let metadata = [("recipe", "test")].into_iter();
    let bytes = onnx(&model, &normalization, &zeros, metadata).unwrap();
    ModelProto::parse_buf(&bytes).unwrap()
}

/// Nodes as `Kind(values taken) attributes`.
fn nodes(graph: &GraphProto) -> Vec<String> {
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
        format!("{kind}({taken}){attributes}")
    });
    nodes.collect()
}

#[test]
fn every_layer_becomes_its_operator() {
    let expected = "\
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
Gemm(3) transB=1";
    let graph = written("cnn-batchnorm").graph.unwrap();
    assert_eq!(nodes(&graph).join("\n"), expected);
    for (name, node) in [
        ("mlp-tanh", "Tanh(1)"),
        // Of the zeros around an even kernel, the odd one goes after.
        (
            "cnn-same",
            "Conv(3) kernel_shape=[2, 2] strides=[1, 1] pads=[0, 0, 1, 1]",
        ),
    ] {
        let nodes = nodes(&written(name).graph.unwrap());
        assert!(nodes.iter().any(|found| found == node), "{nodes:?}");
    }
}

#[test]
fn the_file_says_what_goes_in_and_out_and_holds_every_constant_once() {
    let file = written("cnn-valid");
    assert!(file.opset_import[0].version.is_some());
    assert_eq!(file.metadata_props[0].value.as_deref(), Some("test"));
    let graph = file.graph.unwrap();
    let images = [None, Some(1), Some(11), Some(12)];
    for (value, name, element, sizes) in [
        (&graph.input[0], "image", DataType::UINT8, &images[..]),
        (
            &graph.output[0],
            "logits",
            DataType::FLOAT,
            &[None, Some(4)],
        ),
    ] {
        let tensor = value.r#type.clone().unwrap().tensor_type.unwrap();
        let dims = tensor.shape.unwrap().dim;
        let found: Vec<Option<i64>> = dims.iter().map(|dim| dim.dim_value).collect();
        assert_eq!(value.name.as_deref(), Some(name));
        assert_eq!((tensor.elem_type, &found[..]), (Some(element), sizes));
    }
    let constants = graph.initializer.iter().flat_map(|tensor| &tensor.name);
    let mut constants: Vec<&String> = constants.collect();
    let used = graph.node.iter().flat_map(|node| &node.input[1..]);
    let mut used: Vec<&String> = used.collect();
    constants.sort_unstable();
    used.sort_unstable();
    assert_eq!(constants, used);
}
