//! What a network is made of when it runs, and how each part runs.
//!
//! Activations of one image lie in slots, `[y][x][channel]`; a slot is used again when nobody needs what is in it.

use bifrons_kernels::Path;
use bifrons_kernels::infer::{Depthwise, Product, Steps, halve, mean};

/// Numbers that a block keeps between its parts: they stay in the second cache of today's processors.
const BLOCK_NUMBERS: usize = 96 * 1024;
/// Numbers that a product reads and writes before it goes on to the next pixels.
const PIXELS_NUMBERS: usize = 64 * 1024;

/// Lines and pixels of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Size {
    pub(super) fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// Where the window of a convolution goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Lines and columns.
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    /// Zeros assumed above, left, below and right.
    pub(super) border: [usize; 4],
}

impl Window {
    /// Whether it sees one pixel for each pixel.
    pub(super) fn is_one(&self) -> bool {
        self.kernel == [1, 1] && self.stride == 1 && self.border == [0; 4]
    }

    /// The size of the result; none when the image is smaller than the window.
    fn result(&self, from: Size) -> Option<Size> {
        let [above, left, below, right] = self.border;
        let places = |side: usize, kernel: usize| Some(side.checked_sub(kernel)? / self.stride + 1);
        Some(Size {
            height: places(from.height + above + below, self.kernel[0])?,
            width: places(from.width + left + right, self.kernel[1])?,
        })
    }
}

/// An image in a slot.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Which slot.
    pub(super) slot: usize,
    pub(super) channels: usize,
    /// Numbers of a pixel.
    pub(super) stored: usize,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) input: Place,
    /// What is added to the result.
    pub(super) added: Option<Place>,
    pub(super) output: Place,
    pub(super) work: Work,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum Work {
    /// A convolution over all channels.
    Convolve(Product, Window),
    /// Each channel alone, with a product of each pixel before and after it, some lines at a time.
    Block { expand: Option<Product>, depthwise: Depthwise, window: Window, project: Option<Product> },
    /// Each pixel becomes 2 × 2, by a product for each of them.
    Enlarge([Product; 4]),
    /// The largest of each 2 × 2 pixels.
    Halve,
    /// More channels, which are zero.
    Widen,
    /// The mean of all pixels.
    Mean,
}

/// Memory that is used again from run to run.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    slots: Vec<Vec<f32>>,
    /// The size of the image in each slot.
    sizes: Vec<Size>,
    /// An image with its border; lines between the parts of a block.
    room: Vec<f32>,
    strip: Vec<f32>,
    zeros: Vec<f32>,
}

/// The first `count` numbers, whatever they are.
fn first(room: &mut Vec<f32>, count: usize) -> &mut [f32] {
    if room.len() < count {
        room.resize(count, 0.0);
    }
    &mut room[..count]
}

impl Workspace {
    /// The numbers and the size of an image.
    pub(super) fn image(&self, place: Place) -> (&[f32], Size) {
        let size = self.sizes[place.slot];
        (&self.slots[place.slot][..size.pixels() * place.stored], size)
    }

    /// Room for an image of this size, taken out until [`put`](Self::put).
    pub(super) fn take(&mut self, place: Place, size: Size) -> Vec<f32> {
        if self.slots.len() <= place.slot {
            self.slots.resize_with(place.slot + 1, Vec::new);
            self.sizes.resize(place.slot + 1, Size::default());
        }
        let mut room = std::mem::take(&mut self.slots[place.slot]);
        first(&mut room, size.pixels() * place.stored);
        self.sizes[place.slot] = size;
        room
    }

    pub(super) fn put(&mut self, place: Place, room: Vec<f32>) {
        self.slots[place.slot] = room;
    }
}

impl Step {
    /// Runs it; `None` when the image is too small for it, or sizes that must agree do not.
    pub(super) fn run(&self, path: Path, workspace: &mut Workspace) -> Option<()> {
        let from = workspace.sizes[self.input.slot];
        let size = self.result(from)?;
        if self.added.is_some_and(|added| workspace.sizes[added.slot] != size) {
            return None;
        }
        let mut room = workspace.take(self.output, size);
        let (mut between, mut strip) =
            (std::mem::take(&mut workspace.room), std::mem::take(&mut workspace.strip));
        let mut zeros = std::mem::take(&mut workspace.zeros);
        let output = &mut room[..size.pixels() * self.output.stored];
        let (input, _) = workspace.image(self.input);
        let added = self.added.map(|added| workspace.image(added).0);
        match &self.work {
            Work::Convolve(product, window) if window.is_one() => {
                multiply(product, self.input.stored, input, output, added);
            }
            Work::Convolve(product, window) => {
                convolve(
                    product,
                    window,
                    (input, self.input.stored, from),
                    (output, size),
                    added,
                    &mut between,
                );
            }
            Work::Block { expand, depthwise, window, project } => {
                let lines = Lines {
                    expand: expand.as_ref(),
                    depthwise,
                    window,
                    project: project.as_ref(),
                    from,
                    size,
                    input,
                    stored_input: self.input.stored,
                };
                lines.run(output, added, [&mut between, &mut strip, &mut zeros]);
            }
            Work::Enlarge(products) => enlarge(products, (input, self.input.stored, from), output, added),
            Work::Halve => {
                let stored = self.output.stored;
                let line = from.width * stored;
                for (y, to) in output.chunks_exact_mut(size.width * stored).enumerate() {
                    let lines = [2 * y, 2 * y + 1].map(|y| &input[y * line..][..line]);
                    halve(path, lines, stored, to);
                }
            }
            Work::Widen => {
                let kept = self.input.channels;
                let pixels = input.chunks_exact(self.input.stored);
                for (to, from) in output.chunks_exact_mut(self.output.stored).zip(pixels) {
                    to[..kept].copy_from_slice(&from[..kept]);
                    to[kept..].fill(0.0);
                }
            }
            Work::Mean => {
                let channels = self.input.channels;
                output[..channels].copy_from_slice(&mean(input, self.input.stored, channels));
            }
        }
        (workspace.room, workspace.strip, workspace.zeros) = (between, strip, zeros);
        workspace.put(self.output, room);
        Some(())
    }

    fn result(&self, from: Size) -> Option<Size> {
        let size = match &self.work {
            Work::Convolve(_, window) | Work::Block { window, .. } => window.result(from)?,
            Work::Enlarge(_) => Size { height: 2 * from.height, width: 2 * from.width },
            Work::Halve => Size { height: from.height / 2, width: from.width / 2 },
            Work::Widen => from,
            Work::Mean => Size { height: 1, width: 1 },
        };
        (size.pixels() > 0 && from.pixels() > 0).then_some(size)
    }
}

/// A product of each pixel.
fn multiply(product: &Product, stored: usize, input: &[f32], output: &mut [f32], added: Option<&[f32]>) {
    let to = product.stored_outputs();
    let steps = Steps { window: stored, line: 0 };
    let count = (PIXELS_NUMBERS / (stored + to)).max(48);
    for (number, output) in output.chunks_mut(count * to).enumerate() {
        let added = added.map(|added| &added[number * count * to..]);
        product.run(&input[number * count * stored..], steps, output.len() / to, (output, to), added);
    }
}

/// A convolution over all channels, line by line.
fn convolve(
    product: &Product,
    window: &Window,
    (input, stored, from): (&[f32], usize, Size),
    (output, size): (&mut [f32], Size),
    added: Option<&[f32]>,
    room: &mut Vec<f32>,
) {
    let [above, left, below, right] = window.border;
    let line = (from.width + left + right) * stored;
    let framed = if window.border == [0; 4] {
        input
    } else {
        let framed = first(room, (from.height + above + below) * line);
        for (y, to) in framed.chunks_exact_mut(line).enumerate() {
            let y = y.wrapping_sub(above);
            if y < from.height {
                let (before, rest) = to.split_at_mut(left * stored);
                let (inside, behind) = rest.split_at_mut(from.width * stored);
                before.fill(0.0);
                inside.copy_from_slice(&input[y * from.width * stored..][..from.width * stored]);
                behind.fill(0.0);
            } else {
                to.fill(0.0);
            }
        }
        framed
    };
    let to = product.stored_outputs();
    let steps = Steps { window: window.stride * stored, line };
    for (y, output) in output.chunks_exact_mut(size.width * to).enumerate() {
        let added = added.map(|added| &added[y * size.width * to..]);
        product.run(&framed[y * window.stride * line..], steps, size.width, (output, to), added);
    }
}

/// Each pixel becomes 2 × 2.
fn enlarge(
    products: &[Product; 4],
    (input, stored, from): (&[f32], usize, Size),
    output: &mut [f32],
    added: Option<&[f32]>,
) {
    let to = products[0].stored_outputs();
    let steps = Steps { window: stored, line: 0 };
    for (y, input) in input.chunks_exact(from.width * stored).enumerate() {
        for (number, product) in products.iter().enumerate() {
            let at = ((2 * y + number / 2) * 2 * from.width + number % 2) * to;
            let added = added.map(|added| &added[at..]);
            product.run(input, steps, from.width, (&mut output[at..], 2 * to), added);
        }
    }
}

/// A block that is run some lines at a time: what lies between its parts never leaves the cache.
struct Lines<'a> {
    expand: Option<&'a Product>,
    depthwise: &'a Depthwise,
    window: &'a Window,
    project: Option<&'a Product>,
    from: Size,
    size: Size,
    input: &'a [f32],
    stored_input: usize,
}

impl Lines<'_> {
    fn run(&self, output: &mut [f32], added: Option<&[f32]>, [ring, strip, zeros]: [&mut Vec<f32>; 3]) {
        let Self { depthwise, window, from, size, .. } = *self;
        let stored = depthwise.stored();
        let [above, ..] = window.border;
        let (kernel, stride) = (depthwise.kernel(), window.stride);
        let (line, result_line) = (from.width * stored, size.width * stored);
        let at_once = self.lines_at_once();
        // lines that are kept: those that the window sees of all results of a strip
        let kept = match self.expand {
            Some(_) => ((at_once - 1) * stride + kernel).min(from.height),
            None => from.height,
        };
        let ring = first(ring, if self.expand.is_some() { kept * line } else { 0 });
        let zeros = &*first(zeros, line);
        debug_assert!(zeros.iter().all(|value| *value == 0.0), "nobody writes there");
        let mut done = 0;
        for top in (0..size.height).step_by(at_once) {
            let lines = at_once.min(size.height - top);
            if let Some(expand) = self.expand {
                let wanted = ((top + lines - 1) * stride + kernel).saturating_sub(above).min(from.height);
                while done < wanted {
                    // as many as lie together
                    let place = done % kept;
                    let count = (wanted - done).min(kept - place);
                    let pixels = done * from.width * self.stored_input;
                    let input = &self.input[pixels..][..count * from.width * self.stored_input];
                    let to = &mut ring[place * line..][..count * line];
                    multiply(expand, self.stored_input, input, to, None);
                    done += count;
                }
            }
            let source = if self.expand.is_some() { &*ring } else { self.input };
            let first_pixel = top * size.width;
            let to = match self.project {
                Some(_) => &mut first(strip, lines * result_line)[..],
                None => &mut output[first_pixel * stored..][..lines * result_line],
            };
            for (number, to) in to.chunks_exact_mut(result_line).enumerate() {
                let seen: [&[f32]; 5] = std::array::from_fn(|tap| {
                    let y = ((top + number) * stride + tap.min(kernel - 1)).wrapping_sub(above);
                    if y < from.height { &source[y % kept * line..][..line] } else { zeros }
                });
                depthwise.line(&seen[..kernel], from.width, to);
            }
            if let Some(project) = self.project {
                let outputs = project.stored_outputs();
                let to = &mut output[first_pixel * outputs..][..lines * size.width * outputs];
                let added = added.map(|added| &added[first_pixel * outputs..]);
                multiply(project, stored, &strip[..lines * result_line], to, added);
            }
        }
    }

    /// Lines of the result that are made together.
    fn lines_at_once(&self) -> usize {
        let stored = self.depthwise.stored();
        let (line, result_line) = (self.from.width * stored, self.size.width * stored);
        let expanded = if self.expand.is_some() { line } else { 0 };
        let fixed = (self.depthwise.kernel().saturating_sub(self.window.stride)) * expanded;
        let each = self.window.stride * expanded + result_line;
        (BLOCK_NUMBERS.saturating_sub(fixed) / each).clamp(1, self.size.height)
    }
}
