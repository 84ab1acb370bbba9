//! ONNX files as nodes and constants.

use std::collections::HashMap;

use rten_onnx::onnx::{AttributeProto, DataType, ModelProto, NodeProto, TensorProto};

/// Why a file cannot be run by our own kernels.
pub(super) type Unfit = String;

/// A network as its file says it.
pub(super) struct Graph {
    /// In the order of computation. Nodes that only turn a constant into another type are done.
    pub(super) nodes: Vec<Node>,
    pub(super) constants: HashMap<String, Constant>,
    /// Names of what comes in, constants not counted.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
}

/// One operator.
pub(super) struct Node {
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    pub(super) output: String,
    attributes: Vec<AttributeProto>,
}

/// A constant of some shape.
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

/// Numbers of a constant.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Floats(Vec<f32>),
    Whole(Vec<i64>),
}

impl Node {
    /// An attribute's whole numbers; none when it is not there.
    pub(super) fn numbers(&self, name: &str) -> Option<&[i64]> {
        let attribute = self.attribute(name)?;
        attribute.i.as_ref().map(std::slice::from_ref).or(Some(&attribute.ints))
    }

    /// An attribute's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name)?.s.as_deref()
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }
}

impl Graph {
    /// Reads a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        let model = ModelProto::parse_buf(bytes).map_err(|error| format!("no ONNX file: {error}"))?;
        let graph = model.graph.ok_or("a file without a graph")?;
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            let name = tensor.name.clone().unwrap_or_default();
            constants.insert(name, constant(tensor)?);
        }
        let names = |values: &[rten_onnx::onnx::ValueInfoProto]| -> Vec<String> {
            values.iter().filter_map(|value| value.name.clone()).collect()
        };
        let inputs = names(&graph.input).into_iter().filter(|name| !constants.contains_key(name)).collect();
        let outputs = names(&graph.output);
        let mut nodes = Vec::new();
        for node in graph.node {
            let NodeProto { op_type, input, output, attribute, .. } = node;
            let operator = op_type.unwrap_or_default();
            let [output] = <[String; 1]>::try_from(output)
                .map_err(|found| format!("{operator} with {} results", found.len()))?;
            let node = Node { operator, inputs: input, output, attributes: attribute };
            match node.inputs.first().and_then(|name| constants.get(name)) {
                Some(given) if node.operator == "Cast" => {
                    let cast = Constant { shape: given.shape.clone(), values: cast(&node, &given.values)? };
                    constants.insert(node.output, cast);
                }
                _ => nodes.push(node),
            }
        }
        Ok(Self { nodes, constants, inputs, outputs })
    }

    /// A constant's numbers and shape.
    pub(super) fn floats(&self, name: &str) -> Result<(&[f32], &[usize]), Unfit> {
        match self.constants.get(name) {
            Some(Constant { shape, values: Values::Floats(values) }) => Ok((values, shape)),
            _ => Err(format!("{name} is no constant of f32")),
        }
    }

    /// A constant's whole numbers.
    pub(super) fn whole(&self, name: &str) -> Result<&[i64], Unfit> {
        match self.constants.get(name) {
            Some(Constant { values: Values::Whole(values), .. }) => Ok(values),
            _ => Err(format!("{name} is no constant of whole numbers")),
        }
    }
}

fn cast(node: &Node, values: &Values) -> Result<Values, Unfit> {
    match (node.numbers("to"), values) {
        (Some([to]), Values::Floats(_)) if *to == i64::from(DataType::FLOAT.0) => Ok(values.clone()),
        (to, _) => Err(format!("a constant cast to {to:?}")),
    }
}

fn constant(tensor: &TensorProto) -> Result<Constant, Unfit> {
    let name = tensor.name.as_deref().unwrap_or_default();
    let shape = tensor.dims.iter().map(|side| usize::try_from(*side)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| format!("{name} has a negative side"))?;
    let raw = tensor.raw_data.as_ref().map(|raw| raw.borrow());
    let raw = raw.as_deref().map_or(&[][..], Vec::as_slice);
    let values = match tensor.data_type {
        Some(DataType::FLOAT) if raw.is_empty() => Values::Floats(tensor.float_data.clone()),
        Some(DataType::FLOAT) => {
            Values::Floats(raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        Some(DataType::FLOAT16) => Values::Floats(
            raw.as_chunks::<2>().0.iter().map(|bytes| from_half(u16::from_le_bytes(*bytes))).collect(),
        ),
        Some(DataType::INT64) if raw.is_empty() => Values::Whole(tensor.int64_data.clone()),
        Some(DataType::INT64) => {
            Values::Whole(raw.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
        }
        other => return Err(format!("{name} is of type {other:?}")),
    };
    let count = match &values {
        Values::Floats(values) => values.len(),
        Values::Whole(values) => values.len(),
    };
    let expected = shape.iter().try_fold(1_usize, |count, side| count.checked_mul(*side));
    if expected != Some(count) {
        return Err(format!("{name} has {count} numbers for the shape {shape:?}"));
    }
    Ok(Constant { shape, values })
}

/// A 16-bit float, exactly.
fn from_half(bits: u16) -> f32 {
    let (sign, exponent, fraction) =
        (u32::from(bits >> 15) << 31, u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // less than the smallest of full precision: so many times 2^-24
        0 => {
            let size = fraction as f32 / 16_777_216.0;
            f32::from_bits(size.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::from_half;

    #[test]
    fn halves_are_exact() {
        let known = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2.0_f32.powi(-24))];
        for (bits, value) in known {
            assert_eq!(from_half(bits), value);
        }
        assert_eq!(from_half(0x3555), 0.333_251_95);
        assert!(from_half(0x7e00).is_nan() && from_half(0xfc00) == f32::NEG_INFINITY);
        assert_eq!(from_half(0x0400), 2.0_f32.powi(-14));
    }
}
