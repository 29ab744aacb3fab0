//! Mentions from files: posts of social networks and reviews of other sites, as a table (CSV) that whoever watches them gives out.
//!
//! Always holds: a row is taken in once, by what its source calls it, else by its address, else by all that it says; a row that cannot be read is named with
//! its line and why, and the others are taken in; rows are of nobody, except those with an e-mail address or a customer number.

use anyhow::Result;
use rapport_domain::{Identifier, IdentifierKind, Timestamp, WorkspaceId, plain};
use rapport_feedback::complaints::{Channel, Kind, severity};

use super::{LONGEST_TEXT, LONGEST_WORD, Said, take_in, take_in_many};
use crate::installation::Installation;

/// Rows of a file, at most.
pub const MOST_ROWS: usize = 20_000;
/// Rows of a transaction.
const TOGETHER: usize = 100;
/// Lines of refused rows that are named.
const MOST_NAMED: usize = 100;

/// What a column is called, besides its own name.
const NAMES: &[(&str, &[&str])] = &[
    ("text", &["body", "content", "comment", "message", "review", "review_text", "post", "内容"]),
    ("title", &["headline", "标题"]),
    ("subject", &["brand", "about", "company", "competitor", "品牌"]),
    ("kind", &["type"]),
    ("channel", &["source", "network", "site", "platform", "来源"]),
    ("url", &["link", "permalink", "address", "链接"]),
    ("id", &["origin", "post_id", "review_id", "external_id"]),
    ("author", &["username", "user_name", "handle", "writer", "作者"]),
    ("reach", &["followers", "impressions", "views", "audience", "浏览量"]),
    ("rating", &["stars", "score", "评分"]),
    ("at", &["date", "time", "created_at", "published_at", "timestamp", "时间"]),
    ("category", &["类别"]),
    ("severity", &[]),
    ("product_id", &["product", "sku"]),
    ("email", &["e-mail", "mail"]),
    ("user_id", &["customer_id", "customer"]),
];

/// A row that was not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Which column.
    pub column: &'static str,
    /// Why.
    pub why: &'static str,
}

/// What came of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are new.
    pub taken: u64,
    /// Rows that were known.
    pub known: u64,
    /// How many were refused.
    pub refused: u64,
    /// The first of these.
    pub lines: Vec<Refused>,
    /// Columns that mean nothing here.
    pub ignored: Vec<String>,
}

/// Where each column stands.
struct Columns(Vec<(&'static str, usize)>);

impl Columns {
    fn of(header: &csv::StringRecord) -> (Self, Vec<String>) {
        let mut found: Vec<(&'static str, usize)> = Vec::new();
        let mut ignored = Vec::new();
        for (at, title) in header.iter().enumerate() {
            let folded = title.trim().trim_start_matches('\u{feff}').to_lowercase().replace(' ', "_");
            let known = NAMES.iter().find(|(name, others)| *name == folded || others.contains(&folded.as_str()));
            match known {
                Some((name, _)) if !found.iter().any(|it| it.0 == *name) => found.push((name, at)),
                _ => ignored.push(plain::one_line(title, 60)),
            }
        }
        (Self(found), ignored)
    }

    fn get<'r>(&self, row: &'r csv::StringRecord, name: &str) -> Option<&'r str> {
        let at = self.0.iter().find(|it| it.0 == name)?.1;
        row.get(at).map(str::trim).filter(|text| !text.is_empty())
    }
}

/// Takes in the rows of a file. `usual` says what holds for rows that do not say so themselves.
///
/// # Errors
/// The store's and the log's: rows before stay taken, and taking the file in again goes on after them. A text of what is wrong when it is no table at all.
pub async fn take_file(
    installation: &Installation,
    workspace: WorkspaceId,
    text: &str,
    usual: (Channel, &str),
) -> Result<Result<Report, &'static str>> {
    let delimiter = delimiter(text);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else { return Ok(Err("the first line is no header of a table")) };
    let (columns, ignored) = Columns::of(&header);
    if !columns.0.iter().any(|it| it.0 == "text") {
        return Ok(Err("the header has no column `text`"));
    }
    let mut report = Report { ignored, ..Report::default() };
    let mut strangers: Vec<Said> = Vec::new();
    for (at, row) in reader.records().enumerate() {
        if at >= MOST_ROWS {
            return Ok(Err("a file has at most 20000 rows; split it"));
        }
        let line = row.as_ref().ok().and_then(csv::StringRecord::position).map_or(at as u64 + 2, csv::Position::line);
        let read = row
            .map_err(|_| ("text", "is no UTF-8"))
            .and_then(|row| said(&columns, &row, usual, installation.clock.now()));
        match read {
            Ok(said) if said.who.is_none() || !said.subject.is_empty() => strangers.push(said),
            Ok(said) => {
                let taken = take_in(installation, workspace, &said).await?;
                *(if taken.is_new { &mut report.taken } else { &mut report.known }) += 1;
            }
            Err((column, why)) => {
                report.refused += 1;
                if report.lines.len() < MOST_NAMED {
                    report.lines.push(Refused { line, column, why });
                }
            }
        }
    }
    for some in strangers.chunks(TOGETHER) {
        let new = take_in_many(installation, workspace, some).await?;
        report.taken += new;
        report.known += some.len() as u64 - new;
    }
    Ok(Ok(report))
}

/// The mark between cells: that of the first line which stands in it most often.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |mark: u8| first.bytes().filter(|byte| *byte == mark).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|mark| (count(*mark), *mark == b',')).unwrap_or(b',')
}

fn said(
    columns: &Columns,
    row: &csv::StringRecord,
    (channel, subject): (Channel, &str),
    now: Timestamp,
) -> Result<Said, (&'static str, &'static str)> {
    let word = |name: &str| columns.get(row, name).map(|text| plain::one_line(text, LONGEST_WORD));
    let mut text = String::new();
    if let Some(title) = word("title") {
        text.push_str(&title);
        text.push('\n');
    }
    plain::clean(columns.get(row, "text").ok_or(("text", "is empty"))?, &mut text);
    let text: String = text.chars().take(LONGEST_TEXT).collect();
    let at = match word("at") {
        None => now,
        Some(at) => Timestamp::parse(&at).ok_or(("at", "is no time such as 2026-03-01T10:00:00Z"))?,
    };
    if at > now {
        return Err(("at", "lies in the future"));
    }
    let channel = match word("channel").map(|it| it.to_lowercase().replace([' ', '-'], "_")) {
        None => channel,
        Some(name) => Channel::parse(&name).unwrap_or(channel),
    };
    let mut said = Said::new(text, channel, at);
    said.kind = match word("kind").map(|it| it.to_lowercase()) {
        None => Kind::Mention,
        Some(kind) => Kind::parse(&kind).ok_or(("kind", "is complaint or mention"))?,
    };
    said.subject = word("subject").unwrap_or_else(|| subject.to_owned());
    said.is_public = true;
    said.url = word("url").filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    said.author = word("author");
    said.reach = number(word("reach"), ("reach", 0.0, 1e15))?;
    said.rating = number(word("rating"), ("rating", 1.0, 5.0))?;
    said.sorted.category = word("category");
    if let Some(text) = word("severity") {
        said.sorted.severity = severity(&text).ok_or(("severity", "is low, normal, high or critical"))?;
    }
    said.product_id = word("product_id");
    said.who = word("user_id")
        .map(|value| Identifier { kind: IdentifierKind::UserId, value })
        .or_else(|| Some(Identifier { kind: IdentifierKind::Email, value: word("email")?.to_lowercase() }));
    let all = || {
        let author = said.author.as_deref().unwrap_or_default();
        blake3::hash(format!("{}\u{1f}{author}\u{1f}{}\u{1f}{}", said.subject, at.0, said.text).as_bytes())
            .to_hex()
            .to_string()
    };
    said.origin = Some(word("id").or_else(|| said.url.clone()).unwrap_or_else(all));
    Ok(said)
}

fn number(
    text: Option<String>,
    (column, least, most): (&'static str, f64, f64),
) -> Result<Option<i64>, (&'static str, &'static str)> {
    let Some(text) = text else { return Ok(None) };
    let number: Option<f64> = text.replace([',', ' ', '_'], "").parse().ok();
    let number = number.filter(|it| (least..=most).contains(it)).ok_or((column, "is no number of its range"))?;
    Ok(Some(number.round() as i64))
}
