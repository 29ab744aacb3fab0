//! QR codes as drawings: dark squares on white, with the margin that scanners need, also on a dark page.
//!
//! Does not: know what a code is for.

use qrcode::{Color, EcLevel, QrCode};

/// Light squares around it (ISO/IEC 18004, "quiet zone").
const MARGIN: usize = 4;

/// A text as a drawing; `None` of what is too long for a code.
pub fn svg(text: &str) -> Option<String> {
    // Fifteen of a hundred squares may be scratched.
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, side) = (code.width(), code.width() + 2 * MARGIN);
    let squares = code.to_colors().into_iter().enumerate().filter(|(_, colour)| *colour == Color::Dark);
    let path: String =
        squares.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + MARGIN, at / width + MARGIN)).collect();
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_corners_are_where_scanners_look() {
        let drawn = svg("R23456789ABC").unwrap();
        // Twelve letters and digits fit into 21 squares a side.
        assert!(drawn.contains(r#"viewBox="0 0 29 29""#), "{drawn}");
        for corner in ["M4 4h1", "M24 4h1", "M4 24h1"] {
            assert!(drawn.contains(corner), "{corner}");
        }
        assert!(!drawn.contains("M3 ") && !drawn.contains("R23456789ABC"));
        assert_eq!(svg(&"x".repeat(10_000)), None);
    }
}
