//! A network's nodes as layers.

use std::collections::HashMap;

use bifrons_kernels::infer::{Activation, Depthwise};

use super::{Change, Entry, Order, Shown, shown_by};
use crate::network::onnx::{Graph, Node, Unfit};
use crate::network::steps::{Place, Window};

/// A layer with what follows it.
pub(super) struct Layer {
    pub(super) kind: Kind,
    /// Numbers of what goes in and comes out; 0 is the picture.
    pub(super) input: usize,
    pub(super) output: usize,
    /// What is added to its result.
    pub(super) added: Option<usize>,
    /// Before that, and after it.
    pub(super) before: Activation,
    pub(super) after: Activation,
    pub(super) bias: Vec<f32>,
    /// Channels that come out; none when as many as go in.
    pub(super) outputs: Option<usize>,
}

/// What a layer does.
pub(super) enum Kind {
    /// `[output][input][line][column]`.
    Full {
        window: Window,
        weights: Vec<f32>,
    },
    /// `[channel][line][column]`.
    Depthwise {
        window: Window,
        weights: Vec<f32>,
    },
    /// `[output][input]` for each of 2 × 2 pixels.
    Enlarge {
        weights: [Vec<f32>; 4],
    },
    Halve,
    Widen,
    Mean,
}

impl Layer {
    /// Whether each pixel of the result comes from one pixel.
    pub(super) fn is_product(&self) -> bool {
        matches!(&self.kind, Kind::Full { window, .. } if window.is_one())
    }

    pub(super) fn is_depthwise(&self) -> bool {
        matches!(self.kind, Kind::Depthwise { .. })
    }

    fn is_convolution(&self) -> bool {
        matches!(self.kind, Kind::Full { .. } | Kind::Depthwise { .. } | Kind::Enlarge { .. })
    }
}

/// What was found.
pub(super) struct Found {
    pub(super) entry: Entry,
    pub(super) layers: Vec<Layer>,
    /// The slots of their places are numbers of results.
    pub(super) outputs: Vec<(String, Shown)>,
}

/// What a name stands for.
#[derive(Clone)]
enum Known {
    /// The picture, before anything was computed of it.
    Picture(Entry),
    Result(usize),
    /// Something that is only shown.
    Shown(Shown),
}

struct Builder<'a> {
    graph: &'a Graph,
    known: HashMap<String, Known>,
    entry: Option<Entry>,
    layers: Vec<Layer>,
    results: usize,
}

pub(super) fn layers(graph: &Graph) -> Result<Found, Unfit> {
    let [picture] = &graph.inputs[..] else {
        return Err(format!("{} inputs", graph.inputs.len()));
    };
    let entry = Entry { name: picture.clone(), order: vec![0, 1, 2], ..Entry::default() };
    let known = HashMap::from([(picture.clone(), Known::Picture(entry))]);
    let mut builder = Builder { graph, known, entry: None, layers: Vec::new(), results: 1 };
    for node in &graph.nodes {
        builder.add(node).map_err(|reason| format!("{} {}: {reason}", node.operator, node.output))?;
    }
    let mut outputs = Vec::new();
    for name in &graph.outputs {
        let shown = match builder.known.get(name) {
            Some(Known::Result(result)) => shown(*result),
            Some(Known::Shown(shown)) => shown.clone(),
            _ => return Err(format!("{name} is never computed")),
        };
        outputs.push((name.clone(), shown));
    }
    let entry = builder.entry.ok_or("nothing looks at the picture")?;
    Ok(Found { entry, layers: builder.layers, outputs })
}

/// A result as it is.
fn shown(result: usize) -> Shown {
    let place = Place { slot: result, ..Place::default() };
    Shown { place, order: Order::Planes, shape: None, is_sigmoid: false }
}

impl Builder<'_> {
    fn add(&mut self, node: &Node) -> Result<(), Unfit> {
        let name = node.inputs.first().ok_or("no input")?;
        let input = self.known.get(name).cloned().ok_or_else(|| format!("{name} is not known"))?;
        let known = match (node.operator.as_str(), input) {
            ("Gather" | "Mul" | "Sub" | "Add", Known::Picture(entry)) => {
                Known::Picture(self.changed(node, entry)?)
            }
            ("Conv", input) => {
                let input = self.enter(input)?;
                Known::Result(self.convolution(node, input)?)
            }
            ("ConvTranspose", Known::Result(input)) => Known::Result(self.enlargement(node, input)?),
            ("MaxPool", Known::Result(input)) => {
                let is_two = |name| node.numbers(name) == Some(&[2, 2]);
                let pads = node.numbers("pads").is_none_or(|pads| pads.iter().all(|pad| *pad == 0));
                if !is_two("kernel_shape") || !is_two("strides") || !pads {
                    return Err("another window than 2 x 2".to_owned());
                }
                Known::Result(self.layer(Kind::Halve, input, Vec::new(), None))
            }
            ("Pad", Known::Result(input)) => {
                let behind = match self.graph.whole(node.inputs.get(1).map_or("", String::as_str))? {
                    [0, 0, 0, 0, 0, behind, 0, 0] if *behind > 0 && node.inputs.len() == 2 => *behind,
                    other => return Err(format!("pads {other:?}")),
                };
                let channels = self.channels(input)? + behind as usize;
                Known::Result(self.layer(Kind::Widen, input, Vec::new(), Some(channels)))
            }
            ("ReduceMean", Known::Result(input)) => {
                if node.numbers("axes") != Some(&[2, 3]) || node.numbers("keepdims") != Some(&[0]) {
                    return Err("over other axes".to_owned());
                }
                let channels = self.channels(input)?;
                let mean = self.layer(Kind::Mean, input, Vec::new(), None);
                Known::Shown(Shown { order: Order::Pixels, shape: Some(vec![1, channels]), ..shown(mean) })
            }
            ("Relu" | "PRelu" | "Clip", Known::Result(input)) => {
                let channels = self.channels(input)?;
                let activation = self.activation(node, channels)?;
                Known::Result(self.follow(node, input, activation)?)
            }
            ("Add", Known::Result(input)) => Known::Result(self.sum(node, input)?),
            (_, Known::Result(result)) => Known::Shown(shown_by(node, self.graph, shown(result))?),
            (_, Known::Shown(shown)) => Known::Shown(shown_by(node, self.graph, shown)?),
            (_, Known::Picture(_)) => return Err("of the picture itself".to_owned()),
        };
        self.known.insert(node.output.clone(), known);
        Ok(())
    }

    /// Channels of a result.
    fn channels(&self, result: usize) -> Result<usize, Unfit> {
        let made_by = self.layers.iter().find(|layer| layer.output == result).ok_or("an unknown result")?;
        made_by.outputs.map_or_else(|| self.channels(made_by.input), Ok)
    }

    fn layer(&mut self, kind: Kind, input: usize, bias: Vec<f32>, outputs: Option<usize>) -> usize {
        let output = self.results;
        self.results += 1;
        let [before, after] = [Activation::Linear, Activation::Linear];
        self.layers.push(Layer { kind, input, output, added: None, before, after, bias, outputs });
        output
    }

    /// The result that a convolution sees.
    fn enter(&mut self, input: Known) -> Result<usize, Unfit> {
        match input {
            Known::Result(result) => Ok(result),
            Known::Picture(entry) if self.entry.is_none() => {
                self.entry = Some(entry);
                Ok(0)
            }
            _ => Err("a convolution of something else than a result".to_owned()),
        }
    }

    fn changed(&self, node: &Node, mut entry: Entry) -> Result<Entry, Unfit> {
        let name = node.inputs.get(1).map_or("", String::as_str);
        if node.operator == "Gather" {
            let order = self.graph.whole(name)?.iter().map(|i| entry.order.get(usize::try_from(*i).ok()?));
            let order = order.map(Option::<&usize>::copied).collect::<Option<Vec<_>>>();
            if node.numbers("axis") != Some(&[1]) || !entry.changes.is_empty() {
                return Err("of something else than channels".to_owned());
            }
            entry.order = order.filter(|order| !order.is_empty()).ok_or("channels that are not there")?;
            return Ok(entry);
        }
        let (values, shape) = self.graph.floats(name)?;
        let is_of_channels = values.len() == 1 || *shape == [1, entry.order.len(), 1, 1];
        if !is_of_channels {
            return Err(format!("by numbers of the shape {shape:?}"));
        }
        let values = values.to_vec();
        entry.changes.push(match node.operator.as_str() {
            "Mul" => Change::Times(values),
            "Add" => Change::Plus(values),
            _ => Change::Minus(values),
        });
        Ok(entry)
    }

    fn convolution(&mut self, node: &Node, input: usize) -> Result<usize, Unfit> {
        let (weights, shape) = self.graph.floats(node.inputs.get(1).map_or("", String::as_str))?;
        let &[outputs, per_group, lines, columns] = shape else {
            return Err(format!("weights of the shape {shape:?}"));
        };
        let window = window(node, [lines, columns])?;
        let bias = self.bias(node, outputs)?;
        let weights = weights.to_vec();
        let group = node.numbers("group").and_then(<[_]>::first).copied().unwrap_or(1);
        let kind = if group == 1 {
            Kind::Full { window, weights }
        } else {
            let can = Depthwise::can(lines, window.stride, window.border[1]);
            let inputs = self.channels(input)?;
            let is_single = per_group == 1 && group == outputs as i64 && inputs == outputs;
            if !is_single || lines != columns || !can {
                return Err(format!("{group} groups of {per_group} by a window of {lines} x {columns}"));
            }
            Kind::Depthwise { window, weights }
        };
        Ok(self.layer(kind, input, bias, Some(outputs)))
    }

    fn enlargement(&mut self, node: &Node, input: usize) -> Result<usize, Unfit> {
        let (weights, shape) = self.graph.floats(node.inputs.get(1).map_or("", String::as_str))?;
        let &[inputs, outputs, 2, 2] = shape else {
            return Err(format!("weights of the shape {shape:?}"));
        };
        let window = window(node, [2, 2])?;
        let is_plain = node.numbers("group").is_none_or(|group| group == [1])
            && node.numbers("output_padding").is_none_or(|pads| pads.iter().all(|pad| *pad == 0))
            && node.numbers("output_shape").is_none();
        if window.stride != 2 || window.border != [0; 4] || !is_plain {
            return Err("pixels that overlap".to_owned());
        }
        let bias = self.bias(node, outputs)?;
        let weights: [Vec<f32>; 4] = std::array::from_fn(|tap| {
            let of = |output: usize, input: usize| weights[(input * outputs + output) * 4 + tap];
            (0..outputs * inputs).map(|i| of(i / inputs, i % inputs)).collect()
        });
        Ok(self.layer(Kind::Enlarge { weights }, input, bias, Some(outputs)))
    }

    fn bias(&self, node: &Node, outputs: usize) -> Result<Vec<f32>, Unfit> {
        let Some(name) = node.inputs.get(2) else {
            return Ok(vec![0.0; outputs]);
        };
        let (bias, _) = self.graph.floats(name)?;
        if bias.len() == outputs { Ok(bias.to_vec()) } else { Err(format!("{} biases", bias.len())) }
    }

    fn activation(&self, node: &Node, channels: usize) -> Result<Activation, Unfit> {
        let name = |i: usize| node.inputs.get(i).map_or("", String::as_str);
        Ok(match node.operator.as_str() {
            "Relu" => Activation::Relu,
            "PRelu" => {
                let (slopes, shape) = self.graph.floats(name(1))?;
                if *shape != [channels, 1, 1] {
                    return Err(format!("slopes of the shape {shape:?}"));
                }
                Activation::Leaky(slopes.to_vec())
            }
            _ => match (self.graph.floats(name(1))?.0, self.graph.floats(name(2))?.0) {
                (&[0.0], &[most]) if most > 0.0 => Activation::Clipped(most),
                other => return Err(format!("between {other:?}")),
            },
        })
    }

    /// The layer that alone made a result which nothing else needs.
    fn maker(&mut self, result: usize, name: &str) -> Option<(usize, &mut Layer)> {
        let uses = self.graph.nodes.iter().flat_map(|node| &node.inputs).filter(|used| *used == name).count();
        let is_own = uses == 1 && !self.graph.outputs.iter().any(|output| output == name);
        let found = self.layers.iter_mut().enumerate().find(|(_, layer)| layer.output == result);
        found.filter(|(_, layer)| is_own && layer.is_convolution())
    }

    /// An activation after a convolution becomes part of it.
    fn follow(&mut self, node: &Node, input: usize, activation: Activation) -> Result<usize, Unfit> {
        let (_, layer) = self.maker(input, &node.inputs[0]).ok_or("not after a convolution")?;
        let place = if layer.added.is_some() { &mut layer.after } else { &mut layer.before };
        if *place != Activation::Linear {
            return Err("after another activation".to_owned());
        }
        *place = activation;
        Ok(input)
    }

    /// A sum becomes part of the convolution that made one of its parts, if the other one is there before it.
    fn sum(&mut self, node: &Node, input: usize) -> Result<usize, Unfit> {
        let second = node.inputs.get(1).ok_or("one number to add")?;
        let Some(Known::Result(other)) = self.known.get(second).cloned() else {
            return Err(format!("{second} is no result"));
        };
        if self.channels(input)? != self.channels(other)? {
            return Err("of other channels".to_owned());
        }
        for (part, name, rest) in [(other, second, input), (input, &node.inputs[0], other)] {
            let before = self.layers.iter().position(|layer| layer.output == rest);
            if let (Some((place, layer)), Some(before)) = (self.maker(part, name), before)
                && before < place
                && layer.added.is_none()
                && !layer.is_depthwise()
            {
                layer.added = Some(rest);
                return Ok(part);
            }
        }
        Err("of parts that nothing can be added to".to_owned())
    }
}

/// Stride and border of a convolution.
fn window(node: &Node, kernel: [usize; 2]) -> Result<Window, Unfit> {
    let small = |number: &i64| usize::try_from(*number).ok().filter(|number| *number < 64);
    let strides = node.numbers("strides").unwrap_or(&[1, 1]);
    let stride = match strides {
        [down, across] if down == across => small(down).filter(|stride| *stride > 0),
        _ => None,
    };
    let pads = node.numbers("pads").unwrap_or(&[0; 4]);
    let border = pads.iter().map(small).collect::<Option<Vec<_>>>();
    let border = border.and_then(|border| <[usize; 4]>::try_from(border).ok());
    let is_plain = node.numbers("dilations").is_none_or(|by| by.iter().all(|by| *by == 1))
        && node.text("auto_pad").is_none_or(|how| how == "NOTSET");
    match (stride, border) {
        (Some(stride), Some(border)) if is_plain && kernel.iter().all(|side| (1..64).contains(side)) => {
            Ok(Window { kernel, stride, border })
        }
        _ => Err(format!("strides {strides:?}, pads {pads:?}")),
    }
}
