//! From the number to the bits that are hidden, and back from doubtful ones: a checksum, and a convolutional code.
//!
//! Constraint length 7, rate 1/4, free distance 20 (generators 135, 135, 147, 163 octal; Lin & Costello, *Error Control
//! Coding*, table 12.1), decoded with soft decisions by Viterbi's algorithm.

/// Bits of the number and its checksum.
const DATA_BITS: usize = 64 + 16;
/// The encoder's memory; as many zeros end the message.
const MEMORY: usize = 6;
const STATES: usize = 1 << MEMORY;
const GENERATORS: [u32; 4] = [0o135, 0o135, 0o147, 0o163];
/// Bits of a coded message.
pub(super) const CODED_BITS: usize = (DATA_BITS + MEMORY) * GENERATORS.len();

/// CRC-16/CCITT-FALSE: generator 0x1021, beginning with ones.
fn checksum(id: u64) -> u16 {
    id.to_be_bytes().into_iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The four coded bits of one step, as signs.
fn output(register: u32) -> [f32; 4] {
    GENERATORS.map(|generator| if (register & generator).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 })
}

/// The number as [`CODED_BITS`] signs.
pub(super) fn encode(id: u64) -> Vec<f32> {
    let message = (u128::from(id) << 16) | u128::from(checksum(id));
    let bits = (0..DATA_BITS).rev().map(|place| (message >> place) as u32 & 1);
    let mut register = 0;
    let mut coded = Vec::with_capacity(CODED_BITS);
    for bit in bits.chain([0; MEMORY]) {
        register = (register >> 1) | (bit << MEMORY);
        coded.extend(output(register));
    }
    coded
}

/// The number that fits [`CODED_BITS`] doubtful signs best, when its checksum agrees.
pub(super) fn decode(soft: &[f32]) -> Option<u64> {
    const FAR: f32 = -1e30;
    let mut scores = [FAR; STATES];
    scores[0] = 0.0;
    let mut steps: Vec<[u8; STATES]> = Vec::with_capacity(DATA_BITS + MEMORY);
    for (step, observed) in soft.chunks_exact(GENERATORS.len()).enumerate() {
        let mut next = [FAR; STATES];
        let mut from = [0; STATES];
        let bits = if step < DATA_BITS { 2 } else { 1 };
        for (state, &score) in scores.iter().enumerate().filter(|(_, score)| **score > FAR) {
            for bit in 0..bits {
                let register = state as u32 | (bit << MEMORY);
                let fit: f32 = output(register).iter().zip(observed).map(|(sign, value)| sign * value).sum();
                let to = (register >> 1) as usize;
                if score + fit > next[to] {
                    next[to] = score + fit;
                    from[to] = state as u8;
                }
            }
        }
        scores = next;
        steps.push(from);
    }
    let mut state = 0;
    let mut message = 0u128;
    for (step, from) in steps.iter().enumerate().rev() {
        // a state's newest bit is its highest
        if step < DATA_BITS {
            message |= ((state >> (MEMORY - 1)) as u128 & 1) << (DATA_BITS - 1 - step);
        }
        state = usize::from(from[state]);
    }
    let id = (message >> 16) as u64;
    (checksum(id) == message as u16).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // "123456789" has 0x29B1; its first eight digits, computed bit by bit by the definition, 0xA12B
        assert_eq!(checksum(u64::from_be_bytes(*b"12345678")), 0xA12B);
    }

    #[test]
    fn a_number_comes_back_though_every_sixth_bit_is_wrong() {
        for number in 0..600u64 {
            let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut soft = encode(id);
            soft.iter_mut().skip(number as usize % 6).step_by(6).for_each(|value| *value = -*value);
            assert_eq!(decode(&soft), Some(id));
        }
    }

    #[test]
    fn noise_holds_no_number() {
        let mut found = 0;
        let mut seed = 1u32;
        for _ in 0..300 {
            let noise: Vec<f32> = (0..CODED_BITS)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 8) as f32 / 8_388_608.0 - 1.0
                })
                .collect();
            found += usize::from(decode(&noise).is_some());
        }
        assert_eq!(found, 0);
    }
}
