//! Matrices of scipy in compressed sparse form, as dense numbers.

use super::source::Source;
use crate::pickle::{Numbers, View};
use crate::predictor::Error;

/// Modules that have held the compressed sparse rows and columns of scipy, and whether it is rows.
const CLASSES: [(&str, &str, bool); 8] = [
    ("scipy.sparse._csr", "csr_matrix", true),
    ("scipy.sparse._csr", "csr_array", true),
    ("scipy.sparse.csr", "csr_matrix", true),
    ("scipy.sparse", "csr_matrix", true),
    ("scipy.sparse._csc", "csc_matrix", false),
    ("scipy.sparse._csc", "csc_array", false),
    ("scipy.sparse.csc", "csc_matrix", false),
    ("scipy.sparse", "csc_matrix", false),
];

/// The dense form of a sparse matrix; `None` when the object is not one. `reserve` is asked for its cells before they are made.
pub(super) fn numbers(
    source: &Source<'_>,
    view: View<'_>,
    reserve: impl Fn(usize) -> Result<(), Error>,
) -> Result<Option<Numbers>, Error> {
    let Some(class) = view.class() else { return Ok(None) };
    let Some((_, _, by_row)) = CLASSES.iter().find(|(module, name, _)| class.is(module, name)) else {
        return Ok(None);
    };
    let odd = || source.refuse("a sparse matrix is not understood");
    let shape = view.attribute("_shape").and_then(|shape| shape.items()).ok_or_else(odd)?;
    let shape: Option<Vec<usize>> = shape.iter().map(|extent| usize::try_from(extent.integer()?).ok()).collect();
    let Some([rows, columns]) = shape.as_deref().and_then(|shape| <[usize; 2]>::try_from(shape).ok()) else {
        return Err(odd());
    };
    let part = |name: &str| view.attribute(name).ok_or_else(odd).and_then(|part| source.decode(part));
    let data = part("data")?.numbers().ok_or_else(odd)?.values;
    let indices = part("indices")?.integers().ok_or_else(odd)?;
    let starts = part("indptr")?.integers().ok_or_else(odd)?;
    let (lines, width) = if *by_row { (rows, columns) } else { (columns, rows) };
    let ends_right =
        starts.first() == Some(&0) && starts.last().and_then(|end| usize::try_from(*end).ok()) == Some(data.len());
    let rising = starts.windows(2).all(|pair| pair[0] <= pair[1]);
    if starts.len().checked_sub(1) != Some(lines) || indices.len() != data.len() || !ends_right || !rising {
        return Err(odd());
    }
    let cells = rows.checked_mul(columns).ok_or_else(odd)?;
    reserve(cells)?;
    let mut values = vec![0.0; cells];
    for (line, pair) in starts.windows(2).enumerate() {
        for at in pair[0] as usize..pair[1] as usize {
            let place = usize::try_from(indices[at]).ok().filter(|place| *place < width).ok_or_else(odd)?;
            let cell = if *by_row { line * columns + place } else { place * columns + line };
            values[cell] += data[at];
        }
    }
    Ok(Some(Numbers { shape: vec![rows, columns], values }))
}
