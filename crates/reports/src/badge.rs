//! The badge: one line of SVG that a model card can show.

use assize_fairness::document::CertificationStatus;

/// A badge with the status in words and the score; 20 px high, readable on light and dark pages.
pub fn badge_svg(status: CertificationStatus, score: f64) -> String {
    let (word, colour) = match status {
        CertificationStatus::Certified => ("certified", "#1a6b3c"),
        CertificationStatus::Conditional => ("conditional", "#8a5a00"),
        CertificationStatus::NotCertified => ("not certified", "#a3261f"),
    };
    let value = format!("{word} {score:.1}");
    // 6.4 px is the mean advance of 11 px Verdana; textLength makes the fit exact whatever font is used.
    let text_width = (value.len() as f64 * 6.4).ceil();
    let (name_width, value_width) = (52.0, text_width + 14.0);
    let width = name_width + value_width;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" viewBox=\"0 0 {width} 20\" \
         role=\"img\" aria-label=\"Assize: {value}\"><title>Assize: {value}</title>\
         <rect width=\"{width}\" height=\"20\" rx=\"3\" fill=\"#26303a\"/>\
         <path d=\"M{name_width} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"8\" y=\"14\" textLength=\"36\">assize</text>\
         <text x=\"{text_x}\" y=\"14\" textLength=\"{text_width}\">{value}</text></g></svg>",
        inner = value_width - 3.0,
        text_x = name_width + 7.0,
    )
}
