//! The colours of an e-mail made of blocks.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `#rrggbb`. Nothing else can be one, so a colour can stand in a style.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Color(u32);

impl Color {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok().map(Self)
    }

    /// Black or white, whichever is easier to read on it: the one with the higher contrast ratio (WCAG 2.2, "relative luminance").
    pub fn readable(self) -> Self {
        let channel = |shift: u32| {
            let value = f64::from((self.0 >> shift) & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0);
        if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) { Self(0) } else { Self(0xff_ffff) }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

impl fmt::Debug for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a colour is written #rrggbb"))
    }
}

/// The colours in light mode. In dark mode, pages and texts take colours of their own; the accent stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Theme {
    /// Buttons.
    pub accent: Color,
    /// Around the panel.
    pub page: Color,
    /// Behind the text.
    pub panel: Color,
    /// Text.
    pub ink: Color,
}

impl Default for Theme {
    fn default() -> Self {
        Self { accent: Color(0x1d_4ed8), page: Color(0xf3_f4f6), panel: Color(0xff_ffff), ink: Color(0x1f_2937) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_button_is_readable() {
        for (accent, label) in
            [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#1d4ed8", "#ffffff"), ("#ffd400", "#000000")]
        {
            assert_eq!(Color::parse(accent).unwrap().readable().to_string(), label);
        }
        for text in ["", "red", "#fff", "#12345g", "#1234567", "123456", "#+12345"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }
}
