//! Every layer becomes its ONNX operator.

use digits_data::Normalization;
use digits_models::ModelConfig;
use rten_onnx::onnx::{DataType, ModelProto, ValueInfoProto};

use super::support::config;
use crate::onnx::onnx;
use crate::parameters::Parameters;
use crate::torch_tensors;

/// The model of a network of zeros.
fn written(model: &ModelConfig) -> ModelProto {
    let tensors = torch_tensors(model).unwrap();
    let zeros = tensors.into_iter().map(|tensor| {
        let values = vec![0.0; tensor.elements()];
        (tensor, values)
    });
    let zeros = Parameters(zeros.collect());
    let normalization = Normalization::new(0.25, 0.5).unwrap();
    let metadata = [("recipe", "test")].into_iter();
    let bytes = onnx(model, &normalization, &zeros, metadata).unwrap();
    ModelProto::parse_buf(&bytes).unwrap()
}

/// Its nodes as `Kind(values taken) attributes`.
fn nodes(model: &ModelConfig) -> Vec<String> {
    let graph = written(model).graph.unwrap();
    let nodes = graph.node.iter().map(|node| {
        let mut text = format!("{}({})", node.op_type.as_deref().unwrap(), node.input.len());
        for attribute in &node.attribute {
            let name = attribute.name.as_deref().unwrap();
            text += &match (attribute.i, attribute.f) {
                (Some(value), _) => format!(" {name}={value}"),
                (_, Some(value)) => format!(" {name}={value}"),
                _ => format!(" {name}={:?}", attribute.ints),
            };
        }
        text
    });
    nodes.collect()
}

#[test]
fn every_layer_becomes_its_operator() {
    let begin = ["Cast(1) to=1", "Div(2)", "Sub(2)", "Div(2)"];
    for (name, expected) in [
        (
            "cnn-batchnorm",
            &[
                "Conv(2) kernel_shape=[3, 3] strides=[1, 1] pads=[1, 1, 1, 1]",
                "BatchNormalization(5) epsilon=0.00001",
                "Relu(1)",
                "Conv(2) kernel_shape=[3, 3] strides=[2, 2] pads=[0, 0, 1, 1]",
                "BatchNormalization(5) epsilon=0.00001",
                "Relu(1)",
                "MaxPool(1) kernel_shape=[2, 2] strides=[2, 2]",
                "Flatten(1) axis=1",
                "Gemm(3) transB=1",
                "Relu(1)",
                "Gemm(3) transB=1",
            ][..],
        ),
        (
            "mlp-tanh",
            &[
                "Flatten(1) axis=1",
                "Gemm(3) transB=1",
                "Tanh(1)",
                "Gemm(3) transB=1",
            ],
        ),
    ] {
        assert_eq!(
            nodes(&config(name).model),
            [&begin[..], expected].concat(),
            "{name}"
        );
    }
    // Of the zeros around an even kernel, the odd one goes after.
    let even = "Conv(3) kernel_shape=[2, 2] strides=[1, 1] pads=[0, 0, 1, 1]";
    assert!(
        nodes(&config("cnn-same").model)
            .iter()
            .any(|node| node == even)
    );
}

#[test]
fn the_file_says_what_goes_in_and_out_and_holds_every_constant_once() {
    let file = written(&config("cnn-valid").model);
    assert!(file.opset_import[0].version.is_some());
    assert_eq!(file.metadata_props[0].value.as_deref(), Some("test"));
    let graph = file.graph.unwrap();
    let value = |value: &ValueInfoProto| {
        let tensor = value.r#type.clone().unwrap().tensor_type.unwrap();
        let dims = tensor.shape.unwrap().dim;
        let sizes: Vec<Option<i64>> = dims.iter().map(|dim| dim.dim_value).collect();
        (
            value.name.clone().unwrap(),
            tensor.elem_type.unwrap(),
            sizes,
        )
    };
    let image = vec![None, Some(1), Some(11), Some(12)];
    assert_eq!(
        value(&graph.input[0]),
        ("image".to_owned(), DataType::UINT8, image)
    );
    let logits = vec![None, Some(4)];
    assert_eq!(
        value(&graph.output[0]),
        ("logits".to_owned(), DataType::FLOAT, logits)
    );
    let constants = graph
        .initializer
        .iter()
        .map(|tensor| tensor.name.as_deref().unwrap());
    let used = graph.node.iter().flat_map(|node| &node.input[1..]);
    let mut constants: Vec<&str> = constants.collect();
    let mut used: Vec<&str> = used.map(String::as_str).collect();
    constants.sort_unstable();
    used.sort_unstable();
    assert_eq!(constants, used);
}
