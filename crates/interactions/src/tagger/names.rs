//! Names known from public lists: forenames, surnames, cities and regions, packed as fingerprints.
//!
//! The table is open addressing over 16-bit slots: eleven bits of the word's hash and five flags. A word that is in no
//! list is taken for one about once in a thousand; the tagger learned with that noise in place.

use crate::weights::{Error, Reader, Table, mix};

/// A forename in some country.
pub(crate) const FORENAME: u8 = 1;
/// A surname in some country.
pub(crate) const SURNAME: u8 = 2;
/// A word of a city's name.
pub(crate) const CITY: u8 = 4;
/// A word of a country's or region's name.
pub(crate) const REGION: u8 = 8;
/// A word that texts also write in lower case.
pub(crate) const COMMON: u8 = 16;

const FLAG_BITS: u32 = 5;
const SLOTS_LOG2: std::ops::RangeInclusive<u32> = 4..=20;

/// Word hashes to flags.
pub(crate) struct Names {
    slots: Table,
    mask: usize,
}

impl Names {
    /// Reads the table of a model.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Names, Error> {
        let slots = 1usize << reader.count("name slots", SLOTS_LOG2)?;
        Ok(Names { slots: reader.table(slots * 2)?, mask: slots - 1 })
    }

    /// Flags of a word by the hash of its lower-case characters; zero when it is in no list.
    #[inline]
    pub(crate) fn flags(&self, word: u64) -> u8 {
        let (mut at, fingerprint) = place(word, self.mask);
        loop {
            let slot = u16::from_le_bytes([self.slots[at * 2], self.slots[at * 2 + 1]]);
            if slot == 0 {
                return 0;
            }
            if slot >> FLAG_BITS == fingerprint {
                return (slot & ((1 << FLAG_BITS) - 1)) as u8;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Packs lists, at most three quarters full so that a search ends soon. Words come sorted, so bytes are stable.
    pub(crate) fn pack(words: &std::collections::BTreeMap<u64, u8>) -> Vec<u8> {
        let log2 = (words.len() * 4 / 3 + 1).next_power_of_two().trailing_zeros().max(*SLOTS_LOG2.start());
        assert!(log2 <= *SLOTS_LOG2.end(), "{} names are more than a table holds", words.len());
        let mask = (1usize << log2) - 1;
        let mut slots = vec![0u16; mask + 1];
        for (&word, &flags) in words {
            let (mut at, fingerprint) = place(word, mask);
            while slots[at] != 0 && slots[at] >> FLAG_BITS != fingerprint {
                at = (at + 1) & mask;
            }
            slots[at] |= fingerprint << FLAG_BITS | u16::from(flags);
        }
        let mut bytes = log2.to_le_bytes().to_vec();
        bytes.extend(slots.into_iter().flat_map(u16::to_le_bytes));
        bytes
    }
}

/// First slot and fingerprint of a word.
fn place(word: u64, mask: usize) -> (usize, u16) {
    let hash = mix(word, 0x6e61_6d65);
    ((hash >> 16) as usize & mask, (hash >> 53) as u16)
}
