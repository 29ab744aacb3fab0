//! Small words that several results share.

/// A list in a sentence.
pub fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A length of time in a sentence.
pub fn time(days: f64) -> String {
    if days % 7.0 == 0.0 { format!("{:.0} weeks", days / 7.0) } else { format!("{days:.0} days") }
}

/// A probability that something is chance, in a sentence.
pub fn chance(p: f64) -> String {
    if p < 0.0001 { "p below 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// What is taken for granted of those who were seen no longer.
pub const CENSORED: &str = "leaving the data has nothing to do with ending";
