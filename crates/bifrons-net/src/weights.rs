//! Weights as safetensors: data that any program can open and that cannot run code.
//!
//! Tensors are named by their place in the network, for example `encoder.shrink.0.weight`, and stored as
//! little-endian f32 as `[kernel, kernel, in, out]`. Full connections are convolutions of one place; where a
//! pixel shuffle follows, outputs are numbered (line, column, channel).

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::NetError;

/// Every weight of `net`, as the bytes of a safetensors file.
///
/// # Errors
/// [`NetError::Weights`] when a tensor cannot be read back from the device.
pub fn to_safetensors<M: Module>(net: &M) -> Result<Vec<u8>, NetError> {
    let mut collector = Collector::default();
    net.visit(&mut collector);
    if let Some(reason) = collector.failure {
        return Err(NetError::Weights { reason });
    }
    let mut views = BTreeMap::new();
    for (name, (shape, bytes)) in &collector.tensors {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
            .map_err(|error| NetError::Weights { reason: format!("{name}: {error}") })?;
        views.insert(name.clone(), view);
    }
    safetensors::serialize(views, None).map_err(|error| NetError::Weights { reason: error.to_string() })
}

/// A safetensors file with a note in its header, in place of any that was there.
///
/// # Errors
/// [`NetError::Weights`] when `bytes` are not such a file.
pub fn with_note(bytes: &[u8], note: &str) -> Result<Vec<u8>, NetError> {
    let stored = parse(bytes)?;
    let notes = HashMap::from([(NOTE.to_owned(), note.to_owned())]);
    safetensors::serialize(stored.tensors(), Some(notes))
        .map_err(|error| NetError::Weights { reason: error.to_string() })
}

/// The note that [`with_note`] wrote.
///
/// # Errors
/// [`NetError::Weights`] when `bytes` are not a safetensors file, or one of another program.
pub fn note(bytes: &[u8]) -> Result<String, NetError> {
    parse(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|error| NetError::Weights { reason: format!("not a safetensors file: {error}") })?;
    let note = header.metadata().as_ref().and_then(|notes| notes.get(NOTE)).cloned();
    note.ok_or_else(|| NetError::Weights { reason: "a safetensors file, but not of Bifrons".to_owned() })
}

/// What our note is called in the header.
const NOTE: &str = "bifrons";

fn parse(bytes: &[u8]) -> Result<SafeTensors<'_>, NetError> {
    SafeTensors::deserialize(bytes)
        .map_err(|error| NetError::Weights { reason: format!("not a safetensors file: {error}") })
}

/// `net` with its weights replaced by those in `bytes`. All of them: a missing, surplus or differently shaped
/// tensor is an error, and so is a number that is not finite.
///
/// # Errors
/// [`NetError::Weights`], naming the tensor.
pub fn from_safetensors<M: Module>(net: M, bytes: &[u8]) -> Result<M, NetError> {
    let stored = parse(bytes)?;
    let mut loader = Loader { path: Vec::new(), stored: &stored, used: 0, failure: None };
    let net = net.map(&mut loader);
    if let Some(reason) = loader.failure {
        return Err(NetError::Weights { reason });
    }
    if loader.used != stored.len() {
        let reason = format!("the file holds {} tensors, the network has {}", stored.len(), loader.used);
        return Err(NetError::Weights { reason });
    }
    Ok(net)
}

/// Whether every weight is a finite number.
#[must_use]
pub fn are_finite<M: Module>(net: &M) -> bool {
    struct Finite(bool);
    impl ModuleVisitor for Finite {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // a sum is finite when all of it is, short of weights near the largest number there is
            self.0 &= param.val().abs().sum().into_scalar::<f32>().is_finite();
        }
    }
    let mut finite = Finite(true);
    net.visit(&mut finite);
    finite.0
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    failure: Option<String>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        match tensor.to_data().try_to_vec::<f32>() {
            Ok(values) => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.tensors.insert(self.path.join("."), (tensor.dims().to_vec(), bytes));
            }
            Err(error) => self.failure = Some(format!("{}: {error:?}", self.path.join("."))),
        }
    }
}

struct Loader<'a> {
    path: Vec<String>,
    stored: &'a SafeTensors<'a>,
    used: usize,
    failure: Option<String>,
}

impl Loader<'_> {
    fn find<const D: usize>(&mut self, expected: [usize; D]) -> Result<TensorData, String> {
        let name = self.path.join(".");
        let view = self.stored.tensor(&name).map_err(|error| format!("{name}: {error}"))?;
        if view.shape() != expected || view.dtype() != Dtype::F32 {
            return Err(format!(
                "{name}: expected f32 {expected:?}, found {:?} {:?}",
                view.dtype(),
                view.shape()
            ));
        }
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("{name}: holds {value}"));
        }
        self.used += 1;
        Ok(TensorData::new(values, expected))
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.find(param.val().dims()) {
            Ok(data) => param.map(|old| {
                let new = Tensor::from_data(data, &old.device());
                if old.is_require_grad() { new.require_grad() } else { new }
            }),
            Err(reason) => {
                self.failure.get_or_insert(reason);
                param
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, Device, Hourglass, LossTerms, Preset};

    fn net(seed: u64, device: &Device) -> Hourglass {
        Hourglass::new(&Preset::named("quick").unwrap().network, 2, seed, device)
    }

    fn trained(mut net: Hourglass, adam: &mut Adam, device: &Device, from: u64, to: u64) -> Hourglass {
        let faces = Tensor::<4>::full([2, 3, 64, 64], 0.7, device);
        let weight = Tensor::<4>::ones([2, 1, 64, 64], device);
        for iteration in from..to {
            let drawn = net.forward(faces.clone(), 1);
            let loss = LossTerms::new(drawn, faces.clone(), weight.clone()).total();
            net = adam.step(net, &loss, iteration);
        }
        net
    }

    #[test]
    fn saved_and_loaded_is_the_same_and_so_is_what_it_becomes() {
        let device = Device::flex().autodiff();
        let schedule = Preset::named("quick").unwrap().training;
        let mut adam = Adam::new(&schedule);
        let straight = trained(net(1, &device), &mut adam, &device, 0, 2);
        let halfway = to_safetensors(&straight).unwrap();
        let moments = adam.to_bytes().unwrap().to_vec();
        let straight = trained(straight, &mut adam, &device, 2, 4);

        let resumed = from_safetensors(net(99, &device), &halfway).unwrap();
        let mut adam = Adam::from_bytes(&schedule, moments).unwrap();
        let resumed = trained(resumed, &mut adam, &device, 2, 4);
        assert!(to_safetensors(&resumed).unwrap() == to_safetensors(&straight).unwrap(), "bit-equal weights");
    }

    #[test]
    fn foreign_weights_are_refused_by_name() {
        let device = Device::flex();
        let classic = Hourglass::new(&Preset::named("original").unwrap().network, 2, 1, &device);
        let bytes = to_safetensors(&classic.decoders[0]).unwrap();
        let error = from_safetensors(net(1, &device), &bytes).unwrap_err().to_string();
        assert!(error.contains("encoder.shrink.0.weight"), "{error}");
        let error = from_safetensors(net(1, &device), b"garbage").unwrap_err().to_string();
        assert!(error.contains("not a safetensors file"), "{error}");
    }

    #[test]
    fn a_step_lowers_the_loss() {
        let device = Device::flex().autodiff();
        let faces = Tensor::<4>::full([2, 3, 64, 64], 0.7, &device);
        let weight = Tensor::<4>::ones([2, 1, 64, 64], &device);
        let loss = |net: &Hourglass| {
            let terms = LossTerms::new(net.forward(faces.clone(), 1), faces.clone(), weight.clone());
            terms.total().into_scalar::<f32>()
        };
        let mut adam = Adam::new(&Preset::named("quick").unwrap().training);
        let before = net(1, &device);
        let start = loss(&before);
        assert!(loss(&trained(before, &mut adam, &device, 0, 20)) < 0.8 * start);
    }
}
