//! A network as an ONNX model: the bytes of images in, logits out, normalization included.
//!
//! Written with `rten-onnx`, whose messages lack the one field that ONNX's own checker insists
//! on, the name of the graph; hence [`NamedGraph`] and [`File`]. Operators and field numbers:
//! <https://onnx.ai/onnx/operators/>, `onnx.proto3`.

use std::cell::RefCell;

use digits_data::Normalization;
use digits_models::ModelConfig;
use digits_train::TrainError;
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, MessageWriter, ProtobufError, ValueWriter, WriteValue};
use serde_json::Value;

use crate::InteropError;
use crate::layout::{Attribute, Parameters, parts};

/// Version of the operators; all that are used have been the same since version 9 or 13.
const OPERATORS: i64 = 17;
/// Version of the format that goes with them.
const FORMAT: i64 = 8;

/// The model as the bytes of a file. Its constants have the names and the layout of PyTorch.
pub(crate) fn onnx(
    model: &ModelConfig,
    normalization: &Normalization,
    parameters: &Parameters,
    metadata: &Value,
) -> Result<Vec<u8>, InteropError> {
    let mut graph = GraphProto::default();
    let float = Attribute::Int("to", i64::from(DataType::FLOAT.0));
    add_node(&mut graph, "Cast", "pixels", Vec::new(), vec![float]);
    // In the order of `Normalization::table`, so that the numbers are the same.
    for (kind, name, value) in [
        ("Div", "scaled", 255.0),
        ("Sub", "centered", normalization.mean),
        ("Div", "normalized", normalization.std),
    ] {
        let constant = format!("{name}.by");
        add_constant(&mut graph, &constant, &[], &[value]);
        add_node(&mut graph, kind, name, vec![constant], Vec::new());
    }
    for part in parts(model)? {
        if part.name == "classifier" {
            let axis = vec![Attribute::Int("axis", 1)];
            add_node(&mut graph, "Flatten", "flat", Vec::new(), axis);
        }
        for layer in part.layers {
            if let Some((kind, attributes)) = layer.operator {
                let constants = layer
                    .tensors
                    .into_iter()
                    .map(|tensor| tensor.name)
                    .collect();
                add_node(&mut graph, kind, &layer.name, constants, attributes);
            }
        }
    }
    if let Some(last) = graph.node.last_mut() {
        last.output = vec!["logits".to_owned()];
    }
    for (tensor, values) in &parameters.0 {
        add_constant(&mut graph, &tensor.name, &tensor.shape, values);
    }
    let input = model.input();
    let image = [1, input.height, input.width];
    graph.input = vec![value("image", DataType::UINT8, &image)];
    graph.output = vec![value("logits", DataType::FLOAT, &[input.classes])];
    let texts = metadata.as_object().into_iter().flatten();
    let texts = texts.filter(|(key, _)| *key != "format"); // which is that of .safetensors
    let metadata = texts.map(|(key, value)| StringStringEntryProto {
        key: Some(key.clone()),
        value: value.as_str().map(str::to_owned),
    });
    let file = File {
        graph: NamedGraph(graph),
        metadata: metadata.collect(),
    };
    let mut bytes = Vec::new();
    file.encode(ValueWriter::new(&mut bytes))
        .map_err(|error| TrainError::backend("writing the ONNX model", error))?;
    Ok(bytes)
}

/// Appends a node that takes what the node before it gives, and these constants.
fn add_node(
    graph: &mut GraphProto,
    kind: &str,
    name: &str,
    constants: Vec<String>,
    attributes: Vec<Attribute>,
) {
    let last = graph.node.last();
    let mut input = last.map_or_else(|| vec!["image".to_owned()], |node| node.output.clone());
    input.extend(constants);
    graph.node.push(NodeProto {
        domain: None,
        name: Some(name.to_owned()),
        input,
        output: vec![name.to_owned()],
        op_type: Some(kind.to_owned()),
        attribute: attributes.into_iter().map(attribute).collect(),
    });
}

fn attribute(attribute: Attribute) -> AttributeProto {
    let (name, kind, f, i, ints) = match attribute {
        Attribute::Float(name, value) => (name, AttributeType::FLOAT, Some(value), None, vec![]),
        Attribute::Int(name, value) => (name, AttributeType::INT, None, Some(value), vec![]),
        Attribute::Ints(name, values) => (name, AttributeType::INTS, None, None, values),
    };
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        f,
        i,
        ints: ints.into_iter().map(|value| value as i64).collect(),
        ..AttributeProto::default()
    }
}

fn add_constant(graph: &mut GraphProto, name: &str, shape: &[usize], values: &[f32]) {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    graph.initializer.push(TensorProto {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(bytes.collect())),
        ..TensorProto::default()
    });
}

/// A value of any number of images.
fn value(name: &str, element: DataType, shape: &[usize]) -> ValueInfoProto {
    let sizes = shape.iter().map(|&size| Some(size as i64));
    let dim = [None].into_iter().chain(sizes).map(|dim_value| Dimension {
        dim_param: dim_value.is_none().then(|| "batch".to_owned()),
        dim_value,
    });
    let shape = TensorShapeProto { dim: dim.collect() };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(element),
                shape: Some(shape),
            }),
            sequence: None,
        }),
    }
}

/// A graph with a name.
struct NamedGraph(GraphProto);

impl EncodeMessage for NamedGraph {
    fn encode_fields<W: WriteValue>(
        &self,
        fields: &mut MessageWriter<W>,
    ) -> Result<(), ProtobufError> {
        fields.write_string(2, "digits")?;
        self.0.encode_fields(fields)
    }
}

/// The whole file.
struct File {
    graph: NamedGraph,
    metadata: Vec<StringStringEntryProto>,
}

impl EncodeMessage for File {
    fn encode_fields<W: WriteValue>(
        &self,
        fields: &mut MessageWriter<W>,
    ) -> Result<(), ProtobufError> {
        fields.write_int64(1, FORMAT)?;
        fields.write_string(2, "digits")?;
        fields.write_string(3, env!("CARGO_PKG_VERSION"))?;
        fields.write_message(7, &self.graph)?;
        let (domain, version) = (None, Some(OPERATORS));
        fields.write_message(8, &OperatorSetIdProto { domain, version })?;
        fields.write_repeated_message(14, &self.metadata)
    }
}
