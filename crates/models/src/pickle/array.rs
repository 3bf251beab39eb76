//! numpy arrays in all their spellings, as elements in C order.

use std::borrow::Cow;

use super::dtype::{Dtype, Kind};
use super::{Node, View};

/// An array that borrows its bytes from the file.
#[derive(Debug, Clone)]
pub(crate) struct Array<'p> {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    fortran: bool,
    elements: Elements<'p>,
}

#[derive(Debug, Clone)]
enum Elements<'p> {
    Bytes(Cow<'p, [u8]>),
    Objects(Vec<View<'p>>),
}

/// Numbers in C order with their shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl<'p> View<'p> {
    /// The array a node stands for.
    pub(crate) fn array(&self) -> Option<Array<'p>> {
        if let Node::Inline(inline) = self.node() {
            return Array::new(
                inline.dtype.clone(),
                inline.shape.clone(),
                inline.fortran,
                Elements::Bytes(Cow::Borrowed(inline.bytes)),
            );
        }
        let (callable, arguments) = self.call()?;
        match (callable.module.as_ref(), callable.name.as_ref()) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => self.reconstructed(&arguments),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
                let [buffer, dtype, shape, order] = arguments.as_slice() else { return None };
                let fortran = match order.text()? {
                    "F" => true,
                    "C" => false,
                    _ => return None,
                };
                let dtype = Dtype::from_view(*dtype)?;
                Array::new(dtype, shape.extents()?, fortran, Elements::Bytes(buffer.bytes()?))
            }
            _ => None,
        }
    }

    /// `_reconstruct(ndarray, (0,), b"b")` with the state (version, shape, dtype, Fortran order, data).
    fn reconstructed(&self, arguments: &[View<'p>]) -> Option<Array<'p>> {
        let class = arguments.first()?.global()?;
        if !class.is("numpy", "ndarray") {
            return None;
        }
        let state = self.state()?.items()?;
        let [_version, shape, dtype, fortran, data] = state.as_slice() else { return None };
        let dtype = Dtype::from_view(*dtype)?;
        let elements = match dtype.kind {
            Kind::Object => Elements::Objects(data.items()?),
            _ => Elements::Bytes(data.bytes()?),
        };
        Array::new(dtype, shape.extents()?, fortran.boolean()?, elements)
    }
}

impl<'p> Array<'p> {
    fn new(dtype: Dtype, shape: Vec<usize>, fortran: bool, elements: Elements<'p>) -> Option<Self> {
        let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul(*extent))?;
        let fits = match &elements {
            Elements::Bytes(_) if dtype.size == 0 => count == 0,
            Elements::Bytes(bytes) => count.checked_mul(dtype.size)? == bytes.len(),
            Elements::Objects(items) => count == items.len(),
        };
        fits.then_some(Self { dtype, shape, fortran, elements })
    }

    /// Elements that stand one after the other; `None` unless they are as many as the shape says.
    pub(crate) fn of_bytes(dtype: Dtype, shape: Vec<usize>, fortran: bool, bytes: Cow<'p, [u8]>) -> Option<Self> {
        Self::new(dtype, shape, fortran, Elements::Bytes(bytes))
    }

    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Elements as numbers; objects must be numbers themselves.
    pub(crate) fn numbers(&self) -> Option<Numbers> {
        let stored: Option<Vec<f64>> = match &self.elements {
            Elements::Bytes(bytes) => match self.dtype.kind {
                Kind::Float if self.dtype.size == 8 && !self.dtype.big_endian => Some(doubles(bytes)),
                _ => bytes.chunks_exact(self.dtype.size.max(1)).map(|element| self.dtype.number(element)).collect(),
            },
            Elements::Objects(items) => items.iter().map(View::number).collect(),
        };
        Some(Numbers { values: self.c_order(stored?), shape: self.shape.clone() })
    }

    /// Elements as integers.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        let stored: Option<Vec<i64>> = match &self.elements {
            Elements::Bytes(bytes) => {
                bytes.chunks_exact(self.dtype.size.max(1)).map(|element| self.dtype.integer(element)).collect()
            }
            Elements::Objects(items) => items.iter().map(View::integer).collect(),
        };
        Some(self.c_order(stored?))
    }

    /// Elements as texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let stored: Option<Vec<String>> = match &self.elements {
            Elements::Bytes(bytes) => {
                bytes.chunks_exact(self.dtype.size.max(1)).map(|element| self.dtype.text(element)).collect()
            }
            Elements::Objects(items) => items.iter().map(View::owned_text).collect(),
        };
        Some(self.c_order(stored?))
    }

    /// Elements as views, when it is an array of objects.
    pub(crate) fn objects(&self) -> Option<Vec<View<'p>>> {
        match &self.elements {
            Elements::Objects(items) => Some(self.c_order(items.clone())),
            Elements::Bytes(_) => None,
        }
    }

    /// Bytes of the elements of a one-dimensional array of records.
    pub(crate) fn records(&self) -> Option<std::slice::ChunksExact<'_, u8>> {
        match (&self.elements, &self.dtype.kind) {
            (Elements::Bytes(bytes), Kind::Record(_)) if self.shape.len() == 1 && self.dtype.size > 0 => {
                Some(bytes.chunks_exact(self.dtype.size))
            }
            _ => None,
        }
    }

    /// Fortran order turned into C order.
    fn c_order<T: Clone>(&self, stored: Vec<T>) -> Vec<T> {
        if !self.fortran || self.shape.len() < 2 || stored.is_empty() {
            return stored;
        }
        let mut strides = Vec::with_capacity(self.shape.len());
        let mut stride = 1;
        for extent in &self.shape {
            strides.push(stride);
            stride *= extent;
        }
        let mut index = vec![0; self.shape.len()];
        let mut ordered = Vec::with_capacity(stored.len());
        for _ in 0..stored.len() {
            let at: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
            ordered.push(stored[at].clone());
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        ordered
    }
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks::<8>().0.iter().map(|element| f64::from_le_bytes(*element)).collect()
}
