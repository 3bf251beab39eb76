//! Reading FlatBuffers without a schema compiler: tables, vectors and texts, every offset held against the bytes.
//!
//! Source: "FlatBuffer internals" of the FlatBuffers documentation.

/// A table: its position in the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'b> {
    bytes: &'b [u8],
    at: usize,
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    at.checked_add(u32::from_le_bytes(word(bytes, at)?) as usize).filter(|at| *at < bytes.len())
}

impl<'b> Table<'b> {
    pub(super) fn root(bytes: &'b [u8]) -> Option<Self> {
        Some(Self { bytes, at: offset(bytes, 0)? })
    }

    /// Where the field of that number lies; `None` when it has its default.
    fn field(&self, number: usize) -> Option<usize> {
        let back = i64::from(i32::from_le_bytes(word(self.bytes, self.at)?));
        let fields = usize::try_from(i64::try_from(self.at).ok()? - back).ok()?;
        let length = usize::from(u16::from_le_bytes(word(self.bytes, fields)?));
        let entry = 4 + 2 * number;
        if entry + 2 > length {
            return None;
        }
        match u16::from_le_bytes(word(self.bytes, fields.checked_add(entry)?)?) {
            0 => None,
            offset => Some(self.at + usize::from(offset)),
        }
    }

    pub(super) fn table(&self, number: usize) -> Option<Table<'b>> {
        Some(Table { bytes: self.bytes, at: offset(self.bytes, self.field(number)?)? })
    }

    /// Elements of a vector of that width: none when the field is not there, `None` when they do not fit.
    pub(super) fn elements(&self, number: usize, width: usize) -> Option<impl Iterator<Item = &'b [u8]> + use<'b>> {
        let bytes = match self.field(number) {
            None => &[],
            Some(field) => {
                let at = offset(self.bytes, field)?;
                let count = u32::from_le_bytes(word(self.bytes, at)?) as usize;
                self.bytes.get(at + 4..(at + 4).checked_add(count.checked_mul(width)?)?)?
            }
        };
        Some(bytes.chunks_exact(width))
    }

    pub(super) fn bytes(&self, number: usize) -> Option<&'b [u8]> {
        let at = offset(self.bytes, self.field(number)?)?;
        let count = u32::from_le_bytes(word(self.bytes, at)?) as usize;
        self.bytes.get(at + 4..(at + 4).checked_add(count)?)
    }

    pub(super) fn tables(&self, number: usize) -> Option<Vec<Table<'b>>> {
        let Some(field) = self.field(number) else { return Some(Vec::new()) };
        let at = offset(self.bytes, field)?;
        let count = u32::from_le_bytes(word(self.bytes, at)?) as usize;
        if count > self.bytes.len() / 4 {
            return None;
        }
        let place = |entry: usize| Some(Table { bytes: self.bytes, at: offset(self.bytes, at + 4 + 4 * entry)? });
        (0..count).map(place).collect()
    }

    pub(super) fn text(&self, number: usize) -> Option<&'b str> {
        std::str::from_utf8(self.bytes(number)?).ok()
    }

    /// A vector of texts.
    pub(super) fn texts(&self, number: usize) -> Option<Vec<String>> {
        let text = |at: &Table<'_>| {
            let count = u32::from_le_bytes(word(at.bytes, at.at)?) as usize;
            let text = at.bytes.get(at.at + 4..(at.at + 4).checked_add(count)?)?;
            std::str::from_utf8(text).ok().map(str::to_owned)
        };
        self.tables(number)?.iter().map(text).collect()
    }

    pub(super) fn integers(&self, number: usize) -> Option<Vec<i32>> {
        Some(self.elements(number, 4)?.filter_map(|bytes| word(bytes, 0)).map(i32::from_le_bytes).collect())
    }

    pub(super) fn singles(&self, number: usize) -> Option<Vec<f32>> {
        Some(self.elements(number, 4)?.filter_map(|bytes| word(bytes, 0)).map(f32::from_le_bytes).collect())
    }

    pub(super) fn doubles(&self, number: usize) -> Option<Vec<f64>> {
        Some(self.elements(number, 8)?.filter_map(|bytes| word(bytes, 0)).map(f64::from_le_bytes).collect())
    }

    pub(super) fn integer(&self, number: usize, default: i32) -> Option<i32> {
        self.field(number).map_or(Some(default), |at| Some(i32::from_le_bytes(word(self.bytes, at)?)))
    }

    pub(super) fn byte(&self, number: usize) -> Option<u8> {
        self.field(number).map_or(Some(0), |at| self.bytes.get(at).copied())
    }

    pub(super) fn single(&self, number: usize, default: f32) -> Option<f32> {
        self.field(number).map_or(Some(default), |at| Some(f32::from_le_bytes(word(self.bytes, at)?)))
    }

    pub(super) fn double(&self, number: usize, default: f64) -> Option<f64> {
        self.field(number).map_or(Some(default), |at| Some(f64::from_le_bytes(word(self.bytes, at)?)))
    }
}
