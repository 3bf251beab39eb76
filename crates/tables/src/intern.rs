//! Small integers for short byte strings and for tuples of small integers: the two look-ups every counted row makes.

use std::collections::HashMap;

use crate::scan::{SLACK, Span};

/// An open-addressing map from 16-byte keys (with their length) to codes, small enough for the first-level cache.
#[derive(Debug, Clone)]
pub(crate) struct ShortMap {
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u128,
    len: u32,
    code: u32,
}

const FREE: u32 = u32::MAX;
const SLOTS_MIN: usize = 64;

impl ShortMap {
    pub(crate) fn new() -> Self {
        Self { slots: vec![Slot { key: 0, len: 0, code: FREE }; SLOTS_MIN], used: 0 }
    }

    /// Keys held.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    #[inline]
    fn place(&self, key: u128, len: u32) -> usize {
        // A multiply-fold mixes all bytes into the low bits; the constants are those of wyhash.
        let low = (key as u64) ^ 0xa076_1d64_78bd_642f ^ u64::from(len);
        let high = ((key >> 64) as u64) ^ 0xe703_7ed1_a0b4_28db;
        let product = u128::from(low) * u128::from(high);
        ((product >> 64) as u64 ^ product as u64) as usize & (self.slots.len() - 1)
    }

    #[inline]
    pub(crate) fn get(&self, key: u128, len: u32) -> Option<u32> {
        let mut place = self.place(key, len);
        loop {
            let slot = &self.slots[place & (self.slots.len() - 1)];
            if slot.key == key && slot.len == len && slot.code != FREE {
                return Some(slot.code);
            }
            if slot.code == FREE {
                return None;
            }
            place += 1;
        }
    }

    /// Adds a key that is not there yet.
    pub(crate) fn insert(&mut self, key: u128, len: u32, code: u32) {
        debug_assert!(code != FREE);
        if (self.used + 1) * 2 > self.slots.len() {
            let larger = vec![Slot { key: 0, len: 0, code: FREE }; self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, larger);
            for slot in old.into_iter().filter(|slot| slot.code != FREE) {
                self.put(slot);
            }
        }
        self.put(Slot { key, len, code });
        self.used += 1;
    }

    fn put(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut place = self.place(slot.key, slot.len) & mask;
        while self.slots[place].code != FREE {
            place = (place + 1) & mask;
        }
        self.slots[place] = slot;
    }
}

/// Codes of raw cells seen before, so that trimming, decoding and parsing happen once per distinct spelling.
#[derive(Debug, Clone)]
pub(crate) struct RawCodes {
    short: ShortMap,
    long: HashMap<Vec<u8>, u32>,
}

/// Spellings remembered; further ones are worked out anew each time.
const SPELLINGS_MAX: usize = 1 << 14;
/// Longer spellings are not remembered: memory stays bounded.
const SPELLING_BYTES_MAX: usize = 256;

impl RawCodes {
    /// A map that holds nothing and is not to be asked: a place holder without memory.
    pub(crate) fn empty() -> Self {
        Self { short: ShortMap { slots: Vec::new(), used: 0 }, long: HashMap::new() }
    }

    pub(crate) fn new() -> Self {
        Self { short: ShortMap::new(), long: HashMap::new() }
    }

    /// The code of a raw cell, made by `code` when it is a new one.
    #[inline]
    pub(crate) fn code(&mut self, data: &[u8], span: Span, code: impl FnOnce(&[u8]) -> u32) -> u32 {
        let (start, end) = (span.start as usize, span.end as usize);
        let len = end - start;
        if len > SLACK {
            return self.long_code(&data[start..end], code);
        }
        let bytes: [u8; SLACK] = data[start..start + SLACK].try_into().expect("slack follows every span");
        let key = u128::from_le_bytes(bytes) & MASKS[len];
        if let Some(code) = self.short.get(key, len as u32) {
            return code;
        }
        let code = code(&data[start..end]);
        if self.short.len() < SPELLINGS_MAX {
            self.short.insert(key, len as u32, code);
        }
        code
    }

    fn long_code(&mut self, raw: &[u8], code: impl FnOnce(&[u8]) -> u32) -> u32 {
        if let Some(&code) = self.long.get(raw) {
            return code;
        }
        let code = code(raw);
        if self.long.len() < SPELLINGS_MAX && raw.len() <= SPELLING_BYTES_MAX {
            self.long.insert(raw.to_vec(), code);
        }
        code
    }
}

/// Masks that keep the first `len` bytes.
const MASKS: [u128; SLACK + 1] = {
    let mut masks = [u128::MAX; SLACK + 1];
    let mut len = 0;
    while len < SLACK {
        masks[len] = (1 << (8 * len)) - 1;
        len += 1;
    }
    masks
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_every_length_get_their_own_code() {
        let mut codes = RawCodes::new();
        let mut data = Vec::new();
        let mut spans = Vec::new();
        for len in 0..40usize {
            for byte in [b'a', 0, 0xff] {
                let start = data.len() as u32;
                data.extend(std::iter::repeat_n(byte, len));
                spans.push(Span { start, end: data.len() as u32 });
            }
        }
        data.extend([b'z'; SLACK]);
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for _ in 0..2 {
            for &span in &spans {
                let raw = &data[span.start as usize..span.end as usize];
                let known = seen.iter().position(|seen| seen == raw);
                let next = seen.len() as u32;
                let code = codes.code(&data, span, |_| next);
                assert_eq!(code as usize, known.unwrap_or(seen.len()));
                if known.is_none() {
                    seen.push(raw.to_vec());
                }
            }
        }
    }
}
