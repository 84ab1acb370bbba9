//! The optimiser in one pass over memory.

use rayon::prelude::*;

use crate::element::Element;

/// Adam's settings (Kingma & Ba 2015, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size α.
    pub rate: f32,
    /// Decay β₁ of the mean of gradients.
    pub beta_1: f32,
    /// Decay β₂ of the mean of their squares.
    pub beta_2: f32,
    /// ε, added to the root.
    pub epsilon: f32,
    /// Steps done, this one included: from 1.
    pub step: i32,
}

/// Numbers that a thread takes at a time.
const PIECE: usize = 1 << 14;

impl Adam {
    /// What corrects moments that began at zero: the rate over 1 − β₁ᵗ, and 1 / √(1 − β₂ᵗ), which the root of the squares is
    /// multiplied by.
    #[must_use]
    pub fn corrected(&self) -> (f32, f32) {
        let rate = self.rate / (1.0 - self.beta_1.powi(self.step));
        (rate, 1.0 / (1.0 - self.beta_2.powi(self.step)).sqrt())
    }

    /// One step: changes `weights` and both moments in place. Gradients may be bf16: moments smooth what rounding adds.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn apply<E: Element>(
        &self,
        weights: &mut [f32],
        gradient: &[E],
        mean: &mut [f32],
        square: &mut [f32],
    ) {
        let count = weights.len();
        assert!(gradient.len() == count && mean.len() == count && square.len() == count);
        let (rate, scale) = self.corrected();
        let (beta_1, beta_2, epsilon) = (self.beta_1, self.beta_2, self.epsilon);
        let pieces = weights
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .zip(mean.par_chunks_mut(PIECE))
            .zip(square.par_chunks_mut(PIECE));
        pieces.for_each(|(((weights, gradient), mean), square)| {
            let numbers = weights.iter_mut().zip(gradient).zip(mean).zip(square);
            for (((weight, gradient), mean), square) in numbers {
                let gradient = gradient.to_f32();
                *mean = beta_1 * *mean + (1.0 - beta_1) * gradient;
                *square = beta_2 * *square + (1.0 - beta_2) * gradient * gradient;
                *weight -= rate * *mean / (square.sqrt() * scale + epsilon);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_as_in_the_paper() {
        let (mut weight, mut mean, mut square) = ([1.0_f32], [0.0], [0.0]);
        let mut adam = Adam { rate: 0.1, beta_1: 0.5, beta_2: 0.99, epsilon: 1e-7, step: 1 };
        adam.apply(&mut weight, &[2.0_f32], &mut mean, &mut square);
        // the first step is the rate, whatever the gradient
        assert!((weight[0] - 0.9).abs() < 1e-6);
        assert!((mean[0] - 1.0).abs() < 1e-6 && (square[0] - 0.04).abs() < 1e-6);
        adam.step = 2;
        // -1 as bf16
        adam.apply(&mut weight, &[0xbf80_u16], &mut mean, &mut square);
        // m̂ = 0 / 0.75
        assert!((weight[0] - 0.9).abs() < 1e-6 && mean[0].abs() < 1e-6);
        assert!((square[0] - (0.99 * 0.04 + 0.01)).abs() < 1e-6);
    }
}
