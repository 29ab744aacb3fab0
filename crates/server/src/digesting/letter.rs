//! The digest as a mail: a subject, a text, and HTML that mail programs show.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use askama::Template;
use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_models::survey::Score;

use super::gathered::{Gathered, Scored};
use super::words::Words;
use crate::api::texts::ThemeShape;
use crate::records::workspaces;
use crate::sending::Sender;
use crate::staff_mail::Letter;

/// A quote is so long at most, in characters.
const LONGEST_QUOTE: usize = 200;
const GOOD: &str = "#1d6b42";
const BAD: &str = "#a3301f";
const PLAIN: &str = "#22211f";
const QUIET: &str = "#6b6862";

/// A score as it is shown: with few answers its interval comes first.
struct ScoreLine {
    name: String,
    of: String,
    first: String,
    second: String,
    change: Option<String>,
    colour: &'static str,
}

struct ThemeLine {
    name: String,
    detail: String,
    quote: Option<String>,
}

struct Line {
    name: String,
    value: String,
    colour: &'static str,
}

struct Part {
    title: &'static str,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct Page<'a> {
    words: &'static Words,
    subject: &'a str,
    company: &'a str,
    span: &'a str,
    is_quiet: bool,
    scores: Vec<ScoreLine>,
    rate: Option<String>,
    themes: Vec<ThemeLine>,
    parts: Vec<Part>,
    link: String,
}

/// Writes the mail of the period that ends at `to`.
///
/// # Errors
/// The store's.
pub async fn write(sender: &Sender, workspace: WorkspaceId, to: Timestamp) -> Result<Letter> {
    let installation = &*sender.installation;
    let row =
        workspaces::find(&mut installation.store.read(), workspace).await?.context("there is no such workspace")?;
    let plans = installation.plans.get(installation, workspace).await?;
    let gathered = Gathered::read(installation, workspace, to).await?;
    let words = Words::of(Some(&row.locale));
    let (subject, text, html) =
        told(&gathered, words, (&row.name, &plans.calendar), format!("{}/feedback", sender.public_url()))?;
    let name = format!("digest/{workspace}/{}", to.0);
    Ok(Letter { name, date: to, subject, text, html: Some(html) })
}

/// Subject, text and HTML of what was gathered.
fn told(
    gathered: &Gathered,
    words: &'static Words,
    (company, calendar): (&str, &Calendar),
    link: String,
) -> Result<(String, String, String)> {
    let day = |at: Timestamp| at.to_jiff().to_zoned(calendar.zone.clone()).strftime("%Y-%m-%d").to_string();
    let span = format!("{} – {}", day(gathered.from), day(gathered.to.plus(-1)));
    let subject = format!("{}: {span}", words.title);
    let page = Page {
        words,
        subject: &subject,
        company,
        span: &span,
        is_quiet: gathered.is_quiet(),
        scores: gathered.scores.iter().map(|it| score_line(it, words)).collect(),
        rate: rate(gathered.responses, words),
        themes: gathered.themes.iter().map(|it| theme_line(it, words)).collect(),
        parts: parts(gathered, words),
        link,
    };
    let html = page.render()?;
    Ok((subject.clone(), text(&page), html))
}

fn score_line(it: &Scored, words: &Words) -> ScoreLine {
    let show = |value: f64| match it.measure {
        "nps" => format!("{value:+.0}"),
        "top_two" | "easy" => format!("{:.0} %", 100.0 * value),
        _ => format!("{value:.2}"),
    };
    let interval = format!("{} … {}", show(it.score.low), show(it.score.high));
    let estimate = show(it.score.estimate);
    let (first, second) = if it.score.few { (interval, estimate) } else { (estimate, interval) };
    let answers = it.score.answers;
    let of = if words.is_chinese() {
        format!("{}，{answers} 份回答", words.measure(it.measure))
    } else {
        format!("{}, {answers} answers", words.measure(it.measure))
    };
    let change = it.change.as_ref().map(|change| {
        let show = |value: f64| match it.measure {
            "nps" => format!("{value:+.0}"),
            "top_two" | "easy" => format!("{:+.0} %", 100.0 * value),
            _ => format!("{value:+.2}"),
        };
        let range = format!("{} ({} … {})", show(change.estimate), show(change.low), show(change.high));
        let is_clear = change.low > 0.0 || change.high < 0.0;
        match (words.is_chinese(), is_clear) {
            (false, true) => format!("{range} against the week before"),
            (false, false) => format!("{range} against the week before, which may be chance"),
            (true, true) => format!("较上周 {range}"),
            (true, false) => format!("较上周 {range}，可能是偶然"),
        }
    });
    let colour = match &it.change {
        Some(change) if change.low > 0.0 => GOOD,
        Some(change) if change.high < 0.0 => BAD,
        _ => QUIET,
    };
    ScoreLine { name: it.survey.clone(), of, first, second, change, colour }
}

fn rate((invited, answered): (i64, i64), words: &Words) -> Option<String> {
    if invited == 0 {
        return None;
    }
    let share = 100.0 * answered as f64 / invited as f64;
    Some(if words.is_chinese() {
        format!("受邀 {invited} 人，已回答 {answered} 人（{share:.0} %）")
    } else {
        format!("{answered} of {invited} who were invited answered ({share:.0} %)")
    })
}

fn theme_line(it: &ThemeShape, words: &Words) -> ThemeLine {
    let mut news = Vec::new();
    match it.volume.as_str() {
        "new" => news.push(words.news[0]),
        "growing" => news.push(words.news[1]),
        _ => {}
    }
    if it.feeling.as_str() == "worse" {
        news.push(words.news[2]);
    }
    let (comma, news) = if words.is_chinese() { ("、", news.join("，")) } else { (", ", news.join(", ")) };
    let negative = 100.0 * it.negative_share;
    let detail = if words.is_chinese() {
        format!("{news}；{} 条，此前 {} 条，{negative:.0} % 负面", it.texts, it.texts_before)
    } else {
        format!("{news}; {} texts, {} before, {negative:.0} % negative", it.texts, it.texts_before)
    };
    let quote = it.quotes.first().map(|quote| rapport_domain::plain::one_line(&quote.text, LONGEST_QUOTE));
    ThemeLine { name: it.words.join(comma), detail, quote: quote.filter(|it| !it.is_empty()) }
}

fn parts(gathered: &Gathered, words: &'static Words) -> Vec<Part> {
    let line = |name: &str, value: String, colour| Line { name: name.to_owned(), value, colour };
    let mut parts = Vec::new();
    let recovered = gathered.closed.iter().find(|it| it.0 == "recovered").map_or(0, |it| it.1);
    if gathered.loops.opened > 0 || gathered.open.0 > 0 || recovered > 0 {
        let late = if gathered.open.1 > 0 { BAD } else { PLAIN };
        let mut lines = vec![
            line(words.lines[0], gathered.loops.opened.to_string(), PLAIN),
            line(words.lines[1], gathered.open.0.to_string(), PLAIN),
            line(words.lines[2], gathered.open.1.to_string(), late),
            line(words.lines[3], recovered.to_string(), PLAIN),
        ];
        if let Some(share) = gathered.loops.in_time {
            let percent = |it: f64| format!("{:.0} %", 100.0 * it);
            let value = format!("{} ({} … {})", percent(share.estimate), percent(share.low), percent(share.high));
            lines.push(line(words.in_time, value, PLAIN));
        }
        parts.push(Part { title: words.follow_ups, lines });
    }
    if gathered.reviews > 0 || gathered.waiting > 0 {
        let mut lines = vec![line(words.review_lines[0], gathered.reviews.to_string(), PLAIN)];
        if let Some(stars) = &gathered.stars {
            lines.push(line(words.review_lines[1], stars_of(stars), PLAIN));
        }
        lines.push(line(words.review_lines[2], gathered.waiting.to_string(), PLAIN));
        parts.push(Part { title: words.reviews, lines });
    }
    parts
}

fn stars_of(it: &Score) -> String {
    let interval = format!("{:.1} … {:.1}", it.low, it.high);
    if it.few { format!("{interval} ({:.1})", it.estimate) } else { format!("{:.1} ({interval})", it.estimate) }
}

fn text(page: &Page<'_>) -> String {
    let mut out = format!("{}\n{}\n{}\n", page.company, page.words.title, page.span);
    if page.is_quiet {
        let _ = writeln!(out, "\n{}", page.words.quiet);
    }
    if !page.scores.is_empty() {
        let _ = writeln!(out, "\n{}", page.words.scores);
    }
    for it in &page.scores {
        let _ = writeln!(out, "- {} ({}): {} ({})", it.name, it.of, it.first, it.second);
        if let Some(change) = &it.change {
            let _ = writeln!(out, "  {change}");
        }
    }
    if let Some(rate) = &page.rate {
        let _ = writeln!(out, "{rate}");
    }
    if !page.themes.is_empty() {
        let _ = writeln!(out, "\n{}", page.words.themes);
    }
    for it in &page.themes {
        let _ = writeln!(out, "- {} ({})", it.name, it.detail);
        if let Some(quote) = &it.quote {
            let _ = writeln!(out, "  > {quote}");
        }
    }
    for part in &page.parts {
        let _ = writeln!(out, "\n{}", part.title);
        for line in &part.lines {
            let _ = writeln!(out, "- {}: {}", line.name, line.value);
        }
    }
    let _ = write!(out, "\n{}\n\n{}\n", page.link, page.words.why);
    out
}
