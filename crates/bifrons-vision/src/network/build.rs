//! From a network's nodes to steps: what follows a convolution becomes part of it, and convolutions whose results only the
//! next one needs are run together.

use std::collections::HashMap;

use bifrons_kernels::Path;
use bifrons_kernels::infer::{Activation, Depthwise, Product, stored};

use super::onnx::{Graph, Node, Unfit};
use super::steps::{Place, Step, Work};

mod layers;
mod slots;

use layers::{Layer, layers};

/// A network that is ready to run.
pub(super) struct Plan {
    pub(super) entry: Entry,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<(String, Shown)>,
}

/// How the caller's picture comes in.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Which plane each channel is taken from.
    pub(super) order: Vec<usize>,
    /// What is done to each value, one after the other.
    pub(super) changes: Vec<Change>,
    pub(super) place: Place,
}

/// Something that is done to every value of a channel.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Times(Vec<f32>),
    Plus(Vec<f32>),
    Minus(Vec<f32>),
}

impl Change {
    /// With one number for all channels, or one for each.
    pub(super) fn apply(&self, channel: usize, value: f32) -> f32 {
        let of = |numbers: &[f32]| numbers[channel.min(numbers.len() - 1)];
        match self {
            Self::Times(factors) => value * of(factors),
            Self::Plus(terms) => value + of(terms),
            Self::Minus(terms) => value - of(terms),
        }
    }
}

/// In which order the caller wants an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `[channel, y, x]`.
    Planes,
    /// `[y, x, channel]`.
    Pixels,
}

/// How an output is given to the caller.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) place: Place,
    pub(super) order: Order,
    /// Its shape, if the file says another one than the image has.
    pub(super) shape: Option<Vec<usize>>,
    pub(super) is_sigmoid: bool,
}

/// Makes a plan for one set of instructions.
///
/// # Errors
/// What about the network is not known here.
pub(super) fn plan(graph: &Graph, path: Path) -> Result<Plan, Unfit> {
    let found = layers(graph)?;
    let mut plan = Plan { entry: found.entry, steps: Vec::new(), outputs: found.outputs };
    let is_shown = |tensor: usize| plan.outputs.iter().any(|(_, shown)| shown.place.slot == tensor);
    let uses = |tensor: usize| {
        let of_layers = found.layers.iter().flat_map(|layer| [Some(layer.input), layer.added]);
        of_layers.filter(|used| *used == Some(tensor)).count() + usize::from(is_shown(tensor))
    };
    // until slots are given, a place's slot is the number of what lies there
    let entry_channels = plan.entry.order.len();
    let mut places =
        HashMap::from([(0, Place { slot: 0, channels: entry_channels, stored: entry_channels })]);
    let mut layers = found.layers.iter().peekable();
    while let Some(layer) = layers.next() {
        // an expansion, a depthwise convolution and a projection, as far as there are
        let mut block = vec![layer];
        while let Some(next) = layers.peek()
            && let Some(last) = block.last()
            && next.input == last.output
            && last.added.is_none()
            && uses(last.output) == 1
            && match block[..] {
                [only] if only.is_depthwise() => next.is_product(),
                [only] => only.is_product() && next.is_depthwise(),
                [_, last] => last.is_depthwise() && next.is_product(),
                _ => false,
            }
        {
            block.extend(layers.next());
        }
        let input = *places.get(&layer.input).ok_or("a layer before its input")?;
        let last = block[block.len() - 1];
        let added = last.added.map(|added| places.get(&added).copied().ok_or("a sum before its parts"));
        let channels = last.outputs.unwrap_or(input.channels);
        let output = Place { slot: last.output, channels, stored: stored(path, channels) };
        places.insert(last.output, output);
        let work = work(path, &block, input)?;
        plan.steps.push(Step { input, added: added.transpose()?, output, work });
    }
    for (name, shown) in &mut plan.outputs {
        shown.place = *places.get(&shown.place.slot).ok_or_else(|| format!("{name} is never computed"))?;
    }
    plan.entry.place = places[&0];
    slots::give(&mut plan);
    Ok(plan)
}

/// What some layers that belong together do.
fn work(path: Path, block: &[&Layer], input: Place) -> Result<Work, Unfit> {
    use layers::Kind;
    let whole = |channels: usize| (channels, stored(path, channels));
    Ok(match (block, &block[0].kind) {
        ([layer], Kind::Full { window, weights }) => {
            let from = (input.channels, input.stored);
            Work::Convolve(layer.product(path, from, window.kernel, weights)?, *window)
        }
        ([layer], Kind::Enlarge { weights }) => {
            let mut products = Vec::new();
            for weights in weights {
                products.push(layer.product(path, (input.channels, input.stored), [1, 1], weights)?);
            }
            let products = products.try_into().map_err(|_| "an enlargement of another size")?;
            Work::Enlarge(products)
        }
        ([_], Kind::Halve) => Work::Halve,
        ([_], Kind::Widen) => Work::Widen,
        ([_], Kind::Mean) => Work::Mean,
        _ => {
            let (mut expand, mut depthwise, mut project) = (None, None, None);
            let mut from = (input.channels, input.stored);
            for layer in block {
                match &layer.kind {
                    Kind::Depthwise { window, weights } => depthwise = Some((layer, *window, weights)),
                    Kind::Full { weights, .. } => {
                        let product = layer.product(path, from, [1, 1], weights)?;
                        from = whole(product.outputs());
                        let place = if depthwise.is_some() { &mut project } else { &mut expand };
                        *place = Some(product);
                    }
                    _ => return Err("layers that do not belong together".to_owned()),
                }
            }
            let (layer, window, weights) = depthwise.ok_or("a block without its middle")?;
            let (kernel, left) = (window.kernel[0], window.border[1]);
            if layer.added.is_some() && project.is_none() {
                return Err("a sum after a depthwise convolution".to_owned());
            }
            let depthwise = Depthwise::new(
                path,
                (kernel, window.stride, left),
                weights,
                &layer.bias,
                layer.before.clone(),
            );
            Work::Block { expand, depthwise, window, project }
        }
    })
}

impl Layer {
    fn product(
        &self,
        path: Path,
        (inputs, stored): (usize, usize),
        kernel: [usize; 2],
        weights: &[f32],
    ) -> Result<Product, Unfit> {
        if weights.len() != inputs * kernel[0] * kernel[1] * self.bias.len() {
            return Err(format!("weights of another shape than {inputs} to {}", self.bias.len()));
        }
        let activations: [Activation; 2] = [self.before.clone(), self.after.clone()];
        Ok(Product::new(path, (inputs, stored), kernel, weights, &self.bias, activations))
    }
}

/// Nodes that say only how an output is shown, and what they say.
fn shown_by(node: &Node, graph: &Graph, mut shown: Shown) -> Result<Shown, Unfit> {
    match node.operator.as_str() {
        "Sigmoid" if !shown.is_sigmoid => shown.is_sigmoid = true,
        "Transpose" if shown.shape.is_none() && shown.order == Order::Planes => match node.numbers("perm") {
            Some([0, 2, 3, 1]) => shown.order = Order::Pixels,
            other => return Err(format!("a Transpose by {other:?}")),
        },
        "Reshape" => {
            let shape = graph.whole(node.inputs.get(1).map_or("", String::as_str))?;
            let shape = shape.iter().map(|side| usize::try_from(*side).ok().filter(|side| *side > 0));
            shown.shape =
                Some(shape.collect::<Option<_>>().ok_or("a Reshape to sides that are not in the file")?);
        }
        other => return Err(format!("{other} after the last layer")),
    }
    Ok(shown)
}
