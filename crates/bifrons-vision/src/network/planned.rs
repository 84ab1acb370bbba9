//! Networks run by our own kernels.

use std::sync::{Mutex, PoisonError};

use bifrons_kernels::Path;

use super::build::{Entry, Order, Plan, Shown, plan};
use super::onnx::Graph;
use super::steps::{Size, Workspace};
use super::{Array, Network, NetworkFile};
use crate::VisionError;

/// A network of an ONNX file inside the program, run by our own kernels on the thread that asks. Weights are packed once;
/// memory is used again from run to run, once for each thread that runs at the same time.
pub(crate) struct Planned {
    file: NetworkFile,
    path: Path,
    plan: Plan,
    waiting: Mutex<Vec<Workspace>>,
}

impl Planned {
    /// Reads and packs a network for one set of instructions.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the file is damaged or has an operator that our kernels do not know.
    pub(crate) fn load(file: NetworkFile, path: Path) -> Result<Self, VisionError> {
        let expected = "a network of known operators";
        let graph = Graph::read(file.bytes).map_err(|reason| file.error(expected, reason))?;
        let plan = plan(&graph, path).map_err(|reason| file.error(expected, reason))?;
        Ok(Self { file, path, plan, waiting: Mutex::default() })
    }

    fn run_in(&self, room: &mut Workspace, input: &Array) -> Result<(), VisionError> {
        let entry = &self.plan.entry;
        let size = match input.shape[..] {
            [1, channels, height, width]
                if channels == entry.order.len() && input.data.len() == channels * height * width =>
            {
                Size { height, width }
            }
            _ => {
                let expected = format!("an input [1, {}, height, width]", entry.order.len());
                return Err(self.file.error(&expected, format!("{:?}", input.shape)));
            }
        };
        enter(entry, &input.data, size, room);
        for step in &self.plan.steps {
            let done = step.run(self.path, room);
            done.ok_or_else(|| {
                self.file.error("a picture of a size that fits", format!("{} x {}", size.width, size.height))
            })?;
        }
        Ok(())
    }

    fn output(&self, room: &Workspace, name: &str) -> Result<Array, VisionError> {
        let found = self.plan.outputs.iter().find(|(known, _)| known == name);
        let Some((_, shown)) = found else {
            return Err(self.file.error(&format!("an array named {name}"), "none"));
        };
        let Shown { place, order, shape, is_sigmoid } = shown;
        let (pixels, size) = room.image(*place);
        let mut data = Vec::with_capacity(size.pixels() * place.channels);
        match order {
            Order::Planes => {
                for channel in 0..place.channels {
                    data.extend(pixels.chunks_exact(place.stored).map(|pixel| pixel[channel]));
                }
            }
            Order::Pixels => {
                for pixel in pixels.chunks_exact(place.stored) {
                    data.extend_from_slice(&pixel[..place.channels]);
                }
            }
        }
        if *is_sigmoid {
            data.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
        }
        let shape = match (shape, order) {
            (Some(shape), _) => shape.clone(),
            (None, Order::Planes) => vec![1, place.channels, size.height, size.width],
            (None, Order::Pixels) => vec![1, size.height, size.width, place.channels],
        };
        if shape.iter().product::<usize>() != data.len() {
            return Err(self.file.error(&format!("{name} of {shape:?}"), format!("{} numbers", data.len())));
        }
        Ok(Array { shape, data })
    }
}

/// From planes to pixels.
fn enter(entry: &Entry, planes: &[f32], size: Size, room: &mut Workspace) {
    let stored = entry.place.stored;
    let mut to = room.take(entry.place, size);
    for (channel, from) in entry.order.iter().enumerate() {
        let plane = &planes[from * size.pixels()..][..size.pixels()];
        for (pixel, value) in to.chunks_exact_mut(stored).zip(plane) {
            pixel[channel] = entry.changes.iter().fold(*value, |value, change| change.apply(channel, value));
        }
    }
    room.put(entry.place, to);
}

impl Network for Planned {
    fn run(&self, inputs: &[(&str, &Array)], outputs: &[&str]) -> Result<Vec<Array>, VisionError> {
        let [(name, input)] = inputs else {
            return Err(self.file.error("one input", inputs.len()));
        };
        if *name != self.plan.entry.name {
            return Err(self.file.error(&format!("an array named {name}"), &self.plan.entry.name));
        }
        // what a panic left in a room is overwritten by the next run
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut room = waiting.unwrap_or_default();
        let found = self
            .run_in(&mut room, input)
            .and_then(|()| outputs.iter().map(|name| self.output(&room, name)).collect());
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        found
    }
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned")
            .field("name", &self.file.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
