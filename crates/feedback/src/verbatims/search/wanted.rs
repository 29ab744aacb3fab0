//! What somebody typed, and a filter, as a query of the index.
//!
//! Always holds: any text is taken; what has no word in it finds everything that passes the filter.

use std::ops::Bound;

use rapport_text::finding::{Piece, Term as Sought, forms, pieces, run_terms};
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery, Occur, PhraseQuery, Query, RangeQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::super::records::{About, Filter};
use super::{EVER, Fields, halves, subject_term};

/// So many words are looked for; what comes behind them is not.
const MOST_WORDS: usize = 32;
/// From so many letters on, `*` stands for any ending.
const PREFIX: usize = 2;

type Boxed = Box<dyn Query>;

/// What has all words and passes the filter.
pub fn query(fields: &Fields, words: &str, filter: &Filter) -> Boxed {
    let mut parts: Vec<(Occur, Boxed)> = vec![(Occur::Must, Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)))];
    for part in typed(words) {
        let Some(query) = said(fields.body, &part) else { continue };
        parts.push(match part.without {
            false => (Occur::Must, query),
            // A phrase that is left out by itself is asked for documents that it has passed already, which fails (tantivy 0.27); a union is not.
            true => (Occur::MustNot, Box::new(BooleanQuery::union(vec![query.box_clone(), query]))),
        });
    }
    // Whether it passes a filter says nothing about how much it speaks of what is sought.
    let filters = passes(fields, filter).into_iter();
    parts.extend(filters.map(|it| (Occur::Must, Box::new(ConstScoreQuery::new(it, 0.0)) as Boxed)));
    Box::new(BooleanQuery::new(parts))
}

/// What stands between blanks, or between quotation marks.
struct Part<'w> {
    text: &'w str,
    without: bool,
    open: bool,
}

fn typed(words: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = words.trim_start();
    while !rest.is_empty() && parts.len() < MOST_WORDS {
        let without = rest.starts_with('-');
        rest = rest.strip_prefix('-').unwrap_or(rest);
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '“' | '„' | '「'));
        let (text, behind, open) = match quote {
            Some(quote) => {
                let inner = &rest[quote.len_utf8()..];
                let end = inner.find(['"', '”', '“', '」']).unwrap_or(inner.len());
                let behind = inner[end..].chars().next().map_or("", |mark| &inner[end + mark.len_utf8()..]);
                (&inner[..end], behind, false)
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], &rest[end..], rest[..end].ends_with('*'))
            }
        };
        parts.push(Part { text, without, open });
        rest = behind.trim_start();
    }
    parts
}

/// One part: a word in any of its forms, a beginning, or words that follow each other; `None` where it has no letter.
fn said(body: Field, part: &Part<'_>) -> Option<Boxed> {
    let all = pieces(part.text);
    let all = &all[..all.len().min(MOST_WORDS)];
    match all {
        [] => None,
        [Piece::Word(word)] if part.open && word.chars().count() >= PREFIX => {
            let beginning = Term::from_field_text(body, &rapport_text::finding::fold(word));
            let begins: Boxed = Box::new(FuzzyTermQuery::new_prefix(beginning, 0, false));
            Some(Box::new(BooleanQuery::union(vec![begins, any(body, word)])))
        }
        [Piece::Word(word)] => Some(any(body, word)),
        [Piece::Run(run)] => Some(follow(body, run_terms(run))),
        all => in_order(body, all),
    }
}

fn any(body: Field, word: &str) -> Boxed {
    let one = |form: String| one(Term::from_field_text(body, &form));
    Box::new(BooleanQuery::union(forms(word).into_iter().map(one).collect()))
}

fn one(term: Term) -> Boxed {
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

fn follow(body: Field, terms: Vec<Sought>) -> Boxed {
    let mut terms: Vec<(usize, Term)> =
        terms.into_iter().map(|it| (it.position, Term::from_field_text(body, &it.text))).collect();
    match terms.len() {
        0 => Box::new(EmptyQuery),
        1 => one(terms.remove(0).1),
        _ => Box::new(PhraseQuery::new_with_offset(terms)),
    }
}

/// Words that follow each other, each language's stems by themselves: a text has one language.
fn in_order(body: Field, pieces: &[Piece<'_>]) -> Option<Boxed> {
    let languages = rapport_text::finding::STEMMED.iter().map(|it| Some(*it)).chain([None]);
    let mut phrases: Vec<Vec<Sought>> = languages.flat_map(|language| phrase(pieces, language)).collect();
    phrases.sort_by(|a, b| a.iter().map(|it| &it.text).cmp(b.iter().map(|it| &it.text)));
    phrases.dedup();
    Some(Box::new(BooleanQuery::union(phrases.into_iter().map(|it| follow(body, it)).collect())))
}

/// The phrase with the stems of one language: with its accents, and without.
fn phrase(pieces: &[Piece<'_>], language: Option<&str>) -> [Vec<Sought>; 2] {
    let stems = rapport_text::words::Stems::in_language(language);
    [0, 1].map(|form| {
        let mut at = 0;
        let mut terms = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Word(word) => {
                    let [with, without] = rapport_text::finding::stems_of(&stems, word);
                    terms.push(Sought { text: if form == 0 { with } else { without }, position: at });
                    at += 1;
                }
                Piece::Run(run) => {
                    let own = run_terms(run);
                    let length = own.last().map_or(0, |it| it.position + it.text.chars().count());
                    terms.extend(own.into_iter().map(|it| Sought { position: at + it.position, ..it }));
                    at += length + 1;
                }
            }
        }
        terms
    })
}

fn passes(fields: &Fields, filter: &Filter) -> Vec<Boxed> {
    let mut parts: Vec<Boxed> = Vec::new();
    let raw = |term: Term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Boxed;
    if let Some(person) = filter.person {
        parts.push(raw(Term::from_field_i64(fields.person, person.0)));
    }
    for (field, value) in [(fields.language, &filter.language), (fields.event_name, &filter.event_name)] {
        if !value.is_empty() {
            parts.push(raw(Term::from_field_text(field, value)));
        }
    }
    match &filter.about {
        About::Us => parts.push(raw(Term::from_field_text(fields.subject, &subject_term("")))),
        About::Them(name) => parts.push(raw(Term::from_field_text(fields.subject, &subject_term(name)))),
        About::All => {}
    }
    if let Some(feeling) = filter.feeling {
        parts.push(raw(Term::from_field_text(fields.feeling, feeling.name())));
    }
    let number = |field, value| Term::from_field_i64(field, value);
    if let Some(stars) = filter.stars {
        parts.push(raw(number(fields.stars, stars)));
    }
    if filter.least.is_some() || filter.most.is_some() {
        let least = Bound::Included(number(fields.sentiment, filter.least.unwrap_or(-1_000)));
        let most = Bound::Included(number(fields.sentiment, filter.most.unwrap_or(1_000)));
        parts.push(Box::new(RangeQuery::new(least, most)));
    }
    let from = Bound::Included(number(fields.occurred_at, filter.from.0));
    // As in the list: the page's place stands for the end of the time.
    let before =
        Bound::Excluded(number(fields.occurred_at, filter.behind.map_or(filter.before.unwrap_or(EVER), |it| it.0).0));
    let earlier: Boxed = Box::new(RangeQuery::new(from, before));
    let Some((at, event)) = filter.behind.filter(|it| it.0 >= filter.from) else {
        parts.push(earlier);
        return parts;
    };
    let (high, low) = halves(event);
    let half = |field, value| Term::from_field_u64(field, value);
    let above =
        |field, value| Box::new(RangeQuery::new(Bound::Excluded(half(field, value)), Bound::Unbounded)) as Boxed;
    let same = |field, value| {
        Box::new(RangeQuery::new(Bound::Included(half(field, value)), Bound::Included(half(field, value)))) as Boxed
    };
    let then = Bound::Included(number(fields.occurred_at, at.0));
    let then: Boxed = Box::new(RangeQuery::new(then.clone(), then));
    let next = BooleanQuery::intersection(vec![same(fields.high, high), above(fields.low, low)]);
    let behind = BooleanQuery::union(vec![above(fields.high, high), Box::new(next)]);
    let same_instant = BooleanQuery::intersection(vec![then, Box::new(behind)]);
    parts.push(Box::new(BooleanQuery::union(vec![earlier, Box::new(same_instant)])));
    parts
}
