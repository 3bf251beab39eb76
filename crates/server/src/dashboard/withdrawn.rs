//! The badge of a certificate that does not hold any more: a verdict and a score would be read as if it did.

/// A badge that says `revoked`, `expired` or `invalid`; 20 px high, like the one with the verdict.
pub(crate) fn withdrawn_badge(word: &'static str) -> String {
    // 6.4 px is the mean advance of 11 px Verdana; textLength makes the fit exact whatever font is used.
    let text_width = (word.len() as f64 * 6.4).ceil();
    let width = 66.0 + text_width;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" viewBox=\"0 0 {width} 20\" role=\"img\" \
         aria-label=\"Assize: {word}\"><title>Assize: {word}</title>\
         <rect width=\"{width}\" height=\"20\" rx=\"3\" fill=\"#26303a\"/>\
         <rect x=\"52\" width=\"{value_width}\" height=\"20\" rx=\"3\" fill=\"#57606a\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"8\" y=\"14\" textLength=\"36\">assize</text>\
         <text x=\"59\" y=\"14\" textLength=\"{text_width}\">{word}</text></g></svg>",
        value_width = text_width + 14.0,
    )
}
