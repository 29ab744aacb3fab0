//! Pictures in plain text: bars, distributions, curves.
//!
//! Always holds: no picture is wider than 90 characters, none holds a colour, and what is not finite is left out.

/// The most signs that a bar takes.
const BAR: f64 = 40.0;
/// A curve's field of signs.
const WIDTH: usize = 60;
const HEIGHT: usize = 12;

/// A bar a line, each with its label and what stands behind it.
pub fn bars(rows: &[(String, f64, String)]) -> String {
    let most = rows.iter().map(|it| it.1).filter(|it| it.is_finite()).fold(0.0, f64::max);
    let wide = rows.iter().map(|it| it.0.chars().count()).max().unwrap_or(0).min(36);
    let mut out = String::new();
    for (label, value, told) in rows {
        let label: String = label.chars().take(36).collect();
        let bar = if most > 0.0 { "█".repeat(steps(value / most * BAR)) } else { String::new() };
        out += format!("  {label:>wide$} {bar} {told}").trim_end();
        out.push('\n');
    }
    out
}

/// A share as a whole per cent.
pub fn share(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

/// How many values lie in each of ten parts of the range.
pub fn distribution(values: &[f64], low: f64, high: f64, figure: impl Fn(f64) -> String) -> String {
    const PARTS: usize = 10;
    let mut counts = [0usize; PARTS];
    for value in values.iter().filter(|it| it.is_finite()) {
        let part = ((value - low) / (high - low) * PARTS as f64).floor();
        counts[steps(part).min(PARTS - 1)] += 1;
    }
    let edge = |part: usize| low + (high - low) * part as f64 / PARTS as f64;
    let row = |(part, count): (usize, &usize)| {
        (format!("{} – {}", figure(edge(part)), figure(edge(part + 1))), *count as f64, count.to_string())
    };
    bars(&counts.iter().enumerate().map(row).collect::<Vec<_>>())
}

/// A named line of points from left to right.
pub struct Line<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Whether the value of a point holds until the next one; else points are joined.
    pub steps: bool,
}

/// Lines in one field, from `low` to `high`, each with a sign of its own; `across` and `up` write the ends of the axes.
pub fn curves(
    lines: &[Line],
    (low, high): (f64, f64),
    across: impl Fn(f64) -> String,
    up: impl Fn(f64) -> String,
) -> String {
    const SIGNS: [char; 6] = ['•', '+', 'o', 'x', '#', '~'];
    let xs = || lines.iter().flat_map(|it| it.points.iter().map(|at| at.0)).filter(|it| it.is_finite());
    let (left, right) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    let plane = right > left && high > low;
    if !plane {
        return String::new();
    }
    let mut field = vec![vec![' '; WIDTH]; HEIGHT];
    for (line, sign) in lines.iter().enumerate().rev().map(|(at, it)| (it, SIGNS[at % SIGNS.len()])) {
        (0..WIDTH).for_each(|column| {
            let x = left + (right - left) * column as f64 / (WIDTH - 1) as f64;
            if let Some(y) = at(line, x).filter(|it| it.is_finite()) {
                let height = steps(((y - low) / (high - low)).clamp(0.0, 1.0) * (HEIGHT - 1) as f64);
                field[HEIGHT - 1 - height.min(HEIGHT - 1)][column] = sign;
            }
        });
    }
    let (top, bottom) = (up(high), up(low));
    let wide = top.chars().count().max(bottom.chars().count());
    let mut out = String::new();
    for (row, signs) in field.iter().enumerate() {
        let edge = if row == 0 {
            &top
        } else if row == HEIGHT - 1 {
            &bottom
        } else {
            ""
        };
        let signs: String = signs.iter().collect();
        out += format!("  {edge:>wide$} │{signs}").trim_end();
        out.push('\n');
    }
    out += &format!("  {:wide$} └{}\n", "", "─".repeat(WIDTH));
    let (start, end) = (across(left), across(right));
    let between = WIDTH.saturating_sub(start.chars().count());
    out += &format!("  {:wide$}  {start}{end:>between$}\n", "");
    if lines.len() > 1 {
        for (line, sign) in lines.iter().zip(SIGNS.iter().cycle()) {
            out += &format!("  {:wide$}  {sign} {}\n", "", line.name);
        }
    }
    out
}

/// The height of a line at a place, if it reaches there.
fn at(line: &Line, x: f64) -> Option<f64> {
    let after = line.points.partition_point(|it| it.0 <= x);
    let before = line.points.get(after.checked_sub(1)?)?;
    match line.points.get(after) {
        Some(next) if !line.steps => Some(before.1 + (next.1 - before.1) * (x - before.0) / (next.0 - before.0)),
        None if before.0 < x - 1e-9 * x.abs().max(1.0) => None,
        _ => Some(before.1),
    }
}

/// A number of signs: whole and not below zero.
fn steps(value: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, and kept between 0 and a thousand"
    )]
    let found = value.round().clamp(0.0, 1e3) as usize;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_anything_are_narrow_and_plain() {
        let line = |points: Vec<(f64, f64)>, steps| Line { name: "all", points, steps };
        let figure = |it: f64| format!("{it:.1}");
        let shown = curves(&[line(vec![(0.0, 1.0), (5.0, 0.5), (10.0, 0.0)], true)], (0.0, 1.0), figure, figure);
        assert_eq!(shown.lines().count(), HEIGHT + 2, "{shown}");
        assert!(shown.starts_with("  1.0 │••") && shown.contains("0.0") && shown.contains("10.0"), "{shown}");
        for odd in [vec![], vec![(0.0, f64::NAN)], vec![(f64::INFINITY, 1.0)], vec![(1.0, 1.0)]] {
            curves(&[line(odd.clone(), true), line(odd, false)], (0.0, 1.0), figure, figure);
        }
        let shown = distribution(&[0.0, 0.05, 0.95, 1.0, f64::NAN, -3.0, 9.0], 0.0, 1.0, figure);
        assert_eq!(shown.lines().count(), 10);
        assert!(shown.lines().all(|it| it.chars().count() <= 90) && shown.contains(" 3"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
        bars(&[("x".repeat(300), f64::NAN, String::new())]);
    }
}
