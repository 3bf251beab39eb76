//! QR codes as SVG: one path, so that the code stays small and sharp at any size.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Quiet zone around the code in modules (ISO/IEC 18004 asks for four).
const QUIET_MODULES: usize = 4;

/// A QR code of an address, error correction level M, or `None` when the address is over 2,331 bytes.
pub fn qr_svg(url: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok()?;
    let width = code.width();
    let side = width + 2 * QUIET_MODULES;
    let mut path = String::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        while column < width {
            let run = modules[column..].iter().take_while(|module| **module == Color::Dark).count();
            if run == 0 {
                column += 1;
                continue;
            }
            let (x, y) = (column + QUIET_MODULES, row + QUIET_MODULES);
            write!(path, "M{x} {y}h{run}v1h-{run}z").expect("writing to a string cannot fail");
            column += run;
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-label=\"QR code of the certificate's address\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}
