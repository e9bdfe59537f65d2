//! Random changes of kept inputs, for the tests that run without libFuzzer.

/// A small generator (splitmix64): the same seed, the same throws.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % (end as u64)).unwrap_or(0)
    }
}

/// Longer inputs are not made.
const INPUT_BYTES_MAX: usize = 4096;
/// Values at which limits are.
const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/// A kept input with some changes, at times spliced with another one.
///
/// # Panics
/// When nothing is kept.
#[must_use]
pub fn mutated(kept: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = kept[dice.below(kept.len())].clone();
    if dice.below(4) == 0 {
        let other = &kept[dice.below(kept.len())];
        let (at, from) = (dice.below(bytes.len() + 1), dice.below(other.len() + 1));
        bytes.truncate(at);
        bytes.extend_from_slice(&other[from..]);
    }
    for _ in 0..=dice.below(8) {
        change(&mut bytes, dice);
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        bytes.push(dice.throw() as u8);
        return;
    }
    let at = dice.below(bytes.len());
    match dice.below(7) {
        0 => bytes[at] = dice.throw() as u8,
        1 => bytes[at] ^= 1 << dice.below(8),
        2 => bytes[at] = EDGES[dice.below(EDGES.len())],
        3 => bytes.insert(at, dice.throw() as u8),
        4 => drop(bytes.remove(at)),
        5 => {
            // A piece once more, elsewhere.
            let until = (at + 1 + dice.below(32)).min(bytes.len());
            let piece = bytes[at..until].to_vec();
            let to = dice.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        _ => bytes.truncate(at),
    }
}
