//! A network as an ONNX model: the bytes of images in, logits out, normalization included.
//!
//! Written with `rten-onnx`, whose messages lack the one field that ONNX's own checker insists
//! on, the name of the graph; hence [`NamedGraph`] and [`File`]. Operators and field numbers:
//! <https://onnx.ai/onnx/operators/>, `onnx.proto3`.

use std::cell::RefCell;

use digits_data::Normalization;
use digits_models::{Activation, ModelConfig, ModelError};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, MessageWriter, ProtobufError, ValueWriter, WriteValue};

use crate::layout::{Layer, parts};
use crate::parameters::Parameters;

/// Version of the operators; all that are used have been the same since version 9 or 13.
const OPERATORS: i64 = 17;
/// Version of the format that goes with them.
const FORMAT: i64 = 8;
/// What Burn and PyTorch add to a variance.
const EPSILON: f32 = 1e-5;

/// Name of the input, bytes `[batch, 1, height, width]`.
const IMAGE: &str = "image";
/// Name of the output, `[batch, classes]`.
const LOGITS: &str = "logits";

/// The model as the bytes of a file. Its constants have the names and the layout of PyTorch.
pub(crate) fn onnx<'a>(
    model: &ModelConfig,
    normalization: &Normalization,
    parameters: &Parameters,
    metadata: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<u8>, OnnxError> {
    let mut graph = Graph::new();
    graph.normalize(normalization);
    for part in parts(model)? {
        if part.name == "classifier" {
            graph.flatten();
        }
        for (index, (layer, _)) in part.layers.iter().enumerate() {
            graph.layer(layer, &format!("{}.{index}", part.name));
        }
    }
    for (tensor, values) in &parameters.0 {
        graph.constant(&tensor.name, &tensor.shape, values);
    }
    let input = model.input();
    let file = File {
        graph: NamedGraph(graph.finish([input.height, input.width], input.classes)),
        operators: OperatorSetIdProto {
            domain: None,
            version: Some(OPERATORS),
        },
        metadata: metadata
            .map(|(key, value)| StringStringEntryProto {
                key: Some(key.to_owned()),
                value: Some(value.to_owned()),
            })
            .collect(),
    };
    let mut bytes = Vec::new();
    file.encode(ValueWriter::new(&mut bytes))?;
    Ok(bytes)
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnnxError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Encoding(#[from] ProtobufError),
}

/// A chain of nodes in the making.
struct Graph {
    proto: GraphProto,
    /// Name of the value that the next node takes.
    last: String,
}

impl Graph {
    fn new() -> Self {
        Self {
            proto: GraphProto::default(),
            last: IMAGE.to_owned(),
        }
    }

    /// Appends a node that takes the last value and these constants.
    fn node(
        &mut self,
        kind: &str,
        name: &str,
        constants: &[String],
        attributes: Vec<AttributeProto>,
    ) {
        let mut input = vec![std::mem::replace(&mut self.last, name.to_owned())];
        input.extend_from_slice(constants);
        self.proto.node.push(NodeProto {
            domain: None,
            name: Some(name.to_owned()),
            input,
            output: vec![name.to_owned()],
            op_type: Some(kind.to_owned()),
            attribute: attributes,
        });
    }

    fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.proto.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(bytes.collect())),
            ..TensorProto::default()
        });
    }

    /// In the order of [`Normalization::table`], so that the numbers are the same.
    fn normalize(&mut self, normalization: &Normalization) {
        let Normalization { mean, std } = *normalization;
        let float = int("to", i64::from(DataType::FLOAT.0));
        self.node("Cast", "pixels", &[], vec![float]);
        for (kind, name, value) in [
            ("Div", "scaled", 255.0),
            ("Sub", "centered", mean),
            ("Div", "normalized", std),
        ] {
            let constant = format!("{name}.by");
            self.constant(&constant, &[], &[value]);
            self.node(kind, name, &[constant], Vec::new());
        }
    }

    fn flatten(&mut self) {
        self.node("Flatten", "flat", &[], vec![int("axis", 1)]);
    }

    fn layer(&mut self, layer: &Layer, name: &str) {
        let constants = |leaves: &[&str]| -> Vec<String> {
            leaves.iter().map(|leaf| format!("{name}.{leaf}")).collect()
        };
        match layer {
            Layer::ZeroPad(_) => {} // its zeros are also those of the convolution after it
            Layer::Conv {
                kernel,
                stride,
                zeros: [rows, columns],
                bias,
                ..
            } => {
                let pads = [rows.before, columns.before, rows.after, columns.after];
                let leaves = &["weight", "bias"][..1 + usize::from(*bias)];
                let attributes = vec![
                    ints("kernel_shape", &[*kernel; 2]),
                    ints("strides", &[*stride; 2]),
                    ints("pads", &pads),
                ];
                self.node("Conv", name, &constants(leaves), attributes);
            }
            Layer::BatchNorm(_) => {
                let leaves = ["weight", "bias", "running_mean", "running_var"];
                let epsilon = AttributeProto {
                    f: Some(EPSILON),
                    ..attribute("epsilon", AttributeType::FLOAT)
                };
                let constants = constants(&leaves);
                self.node("BatchNormalization", name, &constants, vec![epsilon]);
            }
            Layer::Activation(activation) => {
                let kind = match activation {
                    Activation::Relu => "Relu",
                    Activation::Sigmoid => "Sigmoid",
                    Activation::Tanh => "Tanh",
                };
                self.node(kind, name, &[], Vec::new());
            }
            Layer::MaxPool(size) => {
                let attributes = ["kernel_shape", "strides"].map(|key| ints(key, &[*size; 2]));
                self.node("MaxPool", name, &[], attributes.to_vec());
            }
            Layer::Dropout(_) => {} // only in training
            Layer::Linear { .. } => {
                let transposed = int("transB", 1); // [outputs, inputs], as in PyTorch
                let constants = constants(&["weight", "bias"]);
                self.node("Gemm", name, &constants, vec![transposed]);
            }
        }
    }

    fn finish(mut self, [height, width]: [usize; 2], classes: usize) -> GraphProto {
        if let Some(last) = self.proto.node.last_mut() {
            last.output = vec![LOGITS.to_owned()];
        }
        self.proto.input = vec![value(IMAGE, DataType::UINT8, &[1, height, width])];
        self.proto.output = vec![value(LOGITS, DataType::FLOAT, &[classes])];
        self.proto
    }
}

/// A value of any number of images.
fn value(name: &str, element: DataType, shape: &[usize]) -> ValueInfoProto {
    let batch = Dimension {
        dim_param: Some("batch".to_owned()),
        dim_value: None,
    };
    let sizes = shape.iter().map(|&size| Dimension {
        dim_param: None,
        dim_value: Some(size as i64),
    });
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(element),
                shape: Some(TensorShapeProto {
                    dim: [batch].into_iter().chain(sizes).collect(),
                }),
            }),
            sequence: None,
        }),
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        ..AttributeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, AttributeType::INT)
    }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        ints: values.iter().map(|&value| value as i64).collect(),
        ..attribute(name, AttributeType::INTS)
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
    operators: OperatorSetIdProto,
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
        fields.write_message(8, &self.operators)?;
        fields.write_repeated_message(14, &self.metadata)
    }
}
