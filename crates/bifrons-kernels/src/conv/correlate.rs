//! Sums over a window for every position: what forward passes and input gradients have in common.

use rayon::prelude::*;

use super::pack::Matrix;
use crate::buffer::{Buffer, CacheLine, Kind, numbers, numbers_mut};
use crate::layout::{Layout, Order};
use crate::tile::{Block, COLUMNS, MOST_ROWS, Run, Tile};

/// Which window is summed for which position.
#[derive(Debug)]
pub(crate) struct Window {
    /// How the input lies.
    pub(crate) layout: Layout,
    /// Positions summed for: lines and pixels of each image.
    pub(crate) lines: usize,
    pub(crate) columns: usize,
    /// Input pixels from one position to the next.
    pub(crate) stride: usize,
    /// Lines of the window, counted from `stride · line`.
    pub(crate) taps_y: Vec<isize>,
    /// First pixel of the window, counted from `stride · column`, and how many.
    pub(crate) first_x: isize,
    pub(crate) taps_x: usize,
}

impl Window {
    /// Numbers summed for each line of the window, filled up to whole steps.
    pub(crate) fn depth_of_line(&self, k_step: usize) -> usize {
        (self.taps_x * self.layout.stored).next_multiple_of(k_step)
    }

    /// For each place of the inner dimension: line and pixel of the window and channel, or padding.
    pub(crate) fn depth(
        &self,
        k_step: usize,
    ) -> impl Iterator<Item = Option<(usize, usize, usize)>> + use<'_> {
        let line = self.depth_of_line(k_step);
        let stored = self.layout.stored;
        (0..self.taps_y.len() * line).map(move |k| {
            let (y, x, channel) = (k / line, k % line / stored, k % line % stored);
            (x < self.taps_x && channel < self.layout.dims.channels).then_some((y, x, channel))
        })
    }

    /// The window of a line as stretches of memory, counted from pixel `stride · column` of line 0.
    fn runs(&self, line: usize, k_step: usize) -> Vec<Run> {
        let layout = &self.layout;
        let depth = self.depth_of_line(k_step);
        let mut runs = Vec::new();
        for (number, tap) in self.taps_y.iter().enumerate() {
            let y = (line * self.stride) as isize + tap;
            if y < 0 || y >= layout.dims.height as isize {
                continue;
            }
            let start = y * layout.line() as isize + self.first_x * layout.x_step() as isize;
            let packed = number * depth * COLUMNS;
            match layout.order {
                Order::Pixels => runs.push(Run { offset: start, len: depth, packed }),
                Order::Images => runs.extend((0..self.taps_x).map(|tap| Run {
                    offset: start + (tap * layout.x_step()) as isize,
                    len: layout.stored,
                    packed: packed + tap * layout.stored * COLUMNS,
                })),
            }
        }
        runs
    }
}

/// The weights of a window: for each 32 outputs, a strip of the window's depth times 32.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Strips<'a> {
    /// As the tiles of this path read them.
    Packed(&'a [CacheLine]),
    /// To be packed.
    Of(&'a Matrix<'a>),
}

/// Groups of one block of work: enough to pay for a task, few enough to share.
const GROUPS_OF_TASK: usize = 16;

/// Calls `sink(image, line, column, first_output, sums)` for every position and every 32 outputs (fewer at
/// the end): each exactly once, from many threads.
///
/// A strip that only one task reads is packed by that task, and never leaves the cache.
pub(crate) fn correlate<T: Tile>(
    tile: T,
    input: &[T::E],
    window: &Window,
    strips: Strips<'_>,
    outputs: usize,
    sink: impl Fn(usize, usize, usize, usize, &mut [f32]) + Sync,
) {
    let layout = &window.layout;
    let images = layout.dims.images;
    let strip = window.taps_y.len() * window.depth_of_line(T::K_STEP) * COLUMNS;
    let blocks = outputs.div_ceil(COLUMNS);
    assert!(input.len() >= layout.len());
    if let Strips::Of(matrix) = strips {
        assert_eq!((matrix.strip(), matrix.columns), (strip, outputs), "weights of another window");
    }
    // groups of rows: pixels of one image, or images of one pixel
    let (groups, row_step) = match layout.order {
        Order::Pixels => (images * window.columns.div_ceil(T::GROUP), window.stride * layout.stored),
        Order::Images => (window.columns * (images / T::GROUP), layout.stored),
    };
    // (image, column, rows) of a group
    let place = |group: usize| match layout.order {
        Order::Pixels => {
            let across = window.columns.div_ceil(T::GROUP);
            let column = group % across * T::GROUP;
            (group / across, column, T::GROUP.min(window.columns - column))
        }
        Order::Images => {
            let deep = images / T::GROUP;
            (group % deep * T::GROUP, group / deep, T::GROUP)
        }
    };
    let tasks_of_line = groups.div_ceil(GROUPS_OF_TASK);
    let packed;
    let ready = match strips {
        Strips::Packed(packed) => Some(packed),
        Strips::Of(matrix) if window.lines * tasks_of_line > 1 => {
            packed = matrix.pack(tile);
            Some(&packed[..])
        }
        Strips::Of(_) => None,
    };
    (0..window.lines * tasks_of_line * blocks).into_par_iter().for_each(|task| {
        tile.run(
            #[inline(always)]
            || {
                let (block, rest) = (task % blocks, task / blocks);
                let (line, first) = (rest / tasks_of_line, rest % tasks_of_line * GROUPS_OF_TASK);
                let runs = window.runs(line, T::K_STEP);
                let mut own;
                let strip = match (ready, strips) {
                    (Some(packed), _) => &numbers::<T::E>(packed)[block * strip..(block + 1) * strip],
                    (None, Strips::Of(matrix)) => {
                        own = Buffer::new::<T::E>(Kind::Filled, strip);
                        matrix.write(tile, block, 0, &mut numbers_mut(&mut own)[..strip]);
                        &numbers::<T::E>(&own)[..strip]
                    }
                    (None, Strips::Packed(_)) => unreachable!("packed strips are ready"),
                };
                let (low, high) = runs.iter().fold((0, 0), |(low, high), run: &Run| {
                    (low.min(run.offset), high.max(run.offset + run.len as isize))
                });
                let mut sums = Block([0.0; MOST_ROWS * COLUMNS]);
                let first_output = block * COLUMNS;
                let width = COLUMNS.min(outputs - first_output);
                let mut group = first;
                let last = groups.min(first + GROUPS_OF_TASK);
                while group < last {
                    // an odd group out is summed twice and written once
                    let pair = [group, (group + 1).min(last - 1)];
                    let places = pair.map(place);
                    let starts = places
                        .map(|(image, column, _)| layout.offset(image, 0, column * window.stride) as isize);
                    for start in starts {
                        let reach = start + high + ((T::GROUP - 1) * row_step) as isize;
                        assert!(start + low >= 0 && reach <= input.len() as isize, "the window reaches out");
                    }
                    // SAFETY: the assertion covers every row of both groups and every run; the strip is as deep as
                    // the runs, as asserted above. This is called inside `run`.
                    unsafe {
                        let starts = starts.map(|start| input.as_ptr().offset(start));
                        tile.multiply(starts, row_step, &runs, strip.as_ptr(), &mut sums);
                    }
                    for (half, (image, column, rows)) in places.into_iter().enumerate() {
                        if half == 1 && pair[0] == pair[1] {
                            break;
                        }
                        for row in 0..rows {
                            let (image, column) = match layout.order {
                                Order::Pixels => (image, column + row),
                                Order::Images => (image + row, column),
                            };
                            let at = (half * T::GROUP + row) * COLUMNS;
                            sink(image, line, column, first_output, &mut sums.0[at..at + width]);
                        }
                    }
                    group += 2;
                }
            },
        );
    });
}
