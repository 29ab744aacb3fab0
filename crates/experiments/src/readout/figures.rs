//! How numbers are written in sentences: few digits, a real minus sign, always with their unit.

use rapport_models::experiments::Estimand;

use crate::design::Form;

/// A mean of a metric: `4.20 %`, `1.35`, `12.30 EUR`.
pub(super) fn mean(form: &Form, it: f64) -> String {
    match form {
        Form::Share => format!("{} %", decimal(it * 100.0, 2)),
        Form::Number => short(it),
        Form::Money(currency) => format!("{} {currency}", decimal(it, 2)),
    }
}

/// An effect on its scale, with its sign: `+9.1 %`, `−0.82 points`, `+0.77 USD`.
pub(super) fn effect(form: &Form, scale: Estimand, it: f64) -> String {
    let sign = if it > 0.0 { "+" } else { "" };
    let size = match (scale, form) {
        (Estimand::Relative, _) => format!("{} %", percent(it)),
        (Estimand::Absolute, Form::Share) => format!("{} points", decimal(it * 100.0, 2)),
        (Estimand::Absolute, form) => mean(form, it),
    };
    format!("{sign}{size}")
}

/// A size without sign on a scale: `5 %`, `0.5 points`.
pub(super) fn size(form: &Form, scale: Estimand, it: f64) -> String {
    effect(form, scale, it.abs()).trim_start_matches('+').to_owned()
}

/// What something adds up to: a count of people, a sum of money, a sum.
pub(super) fn total(form: &Form, it: f64) -> String {
    match form {
        Form::Money(currency) => format!("{} {currency}", grouped(it)),
        Form::Share | Form::Number => grouped(it),
    }
}

/// A whole number with its thousands parted: `12,300`.
pub(super) fn count(it: u64) -> String {
    let digits = it.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in per cent with one digit, or two where it is small.
pub(super) fn percent(it: f64) -> String {
    let it = it * 100.0;
    let text = decimal(it, if it.abs() < 1.0 { 2 } else { 1 });
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn grouped(it: f64) -> String {
    let whole = count(it.abs().round().min(1e18) as u64);
    if it.round() < 0.0 { format!("−{whole}") } else { whole }
}

/// Three digits that matter.
fn short(it: f64) -> String {
    let digits = if it == 0.0 { 0.0 } else { it.abs().log10().floor() };
    decimal(it, (2.0 - digits).clamp(0.0, 6.0) as usize)
}

fn decimal(it: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", it.abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if it < 0.0 && !is_zero { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_their_unit() {
        let money = Form::Money("EUR".into());
        assert_eq!(mean(&Form::Share, 0.4482), "44.82 %");
        assert_eq!(mean(&money, -3.456), "−3.46 EUR");
        let numbers = [0.0, 1.352, 12.34, 1_234.6, 0.001_234].map(|it| mean(&Form::Number, it));
        assert_eq!(numbers.each_ref().map(String::as_str), ["0.00", "1.35", "12.3", "1235", "0.00123"]);
        assert_eq!(effect(&Form::Share, Estimand::Relative, 0.0912), "+9.1 %");
        assert_eq!(effect(&Form::Share, Estimand::Relative, -0.004), "−0.40 %");
        assert_eq!(effect(&Form::Share, Estimand::Absolute, -0.0082), "−0.82 points");
        assert_eq!(effect(&money, Estimand::Absolute, 0.77), "+0.77 EUR");
        assert_eq!(effect(&Form::Number, Estimand::Absolute, -0.000_000_01), "0.000000");
        assert_eq!(size(&Form::Share, Estimand::Relative, -0.05), "5 %");
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1_000, 1_234_567].map(count).each_ref().map(String::as_str)
        );
        assert_eq!((total(&money, -1_234.5), total(&Form::Share, 96.4)), ("−1,235 EUR".into(), "96".into()));
    }
}
