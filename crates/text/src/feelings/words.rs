//! The word lists of feelings, and a text cut into what they are made of.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::Feeling;
use crate::features::{MOST_BYTES, without_blanks};

const LIST: &str = include_str!("../../lexicon/feelings.txt");
const DENYING: &str = "not no never don't doesn't didn't isn't wasn't aren't weren't won't wouldn't can't couldn't cannot without hardly nothing nobody neither \
    nor dont doesnt didnt isnt wasnt wont cant nicht kein keine keinen keiner keinem nie niemals ohne kaum weder não nao ñ nunca sem nem jamais 不 没 別 别 无 勿";
const STRENGTHENING: &str = "very so extremely really absolutely totally completely utterly incredibly deeply highly super sehr total echt absolut äußerst extrem \
    wirklich richtig völlig muito mto demais extremamente totalmente realmente bastante 很 太 超 极 好 真 巨 特";

pub(super) static LISTS: LazyLock<Lists> = LazyLock::new(Lists::new);

/// A word in small letters, a character of a script without blanks, or a sign.
pub(super) struct Token {
    pub range: Range<usize>,
    pub text: String,
    pub capitals: bool,
    pub small: bool,
    /// A clause ends behind it.
    pub ends_clause: bool,
}

/// The tokens of a text, as far as it is looked at.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open = false;
    let mut characters = text[..text.floor_char_boundary(MOST_BYTES)].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let letter = c.is_alphanumeric() && !without_blanks(c) || matches!(c, '\u{300}'..='\u{36f}');
        let inner =
            open && matches!(c, '\'' | '’') && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        let sign = !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control() && !ends_clause(c);
        if letter || inner || sign || without_blanks(c) {
            if !(open && (letter || inner)) {
                let range = at..at;
                tokens.push(Token { range, text: String::new(), capitals: false, small: false, ends_clause: false });
            }
            if let Some(last) = tokens.last_mut() {
                last.range.end = at + c.len_utf8();
                last.text.extend(if c == '’' { '\''.to_lowercase() } else { c.to_lowercase() });
                last.small |= c.is_lowercase();
                last.capitals = !last.small && (last.capitals || c.is_uppercase()) && last.text.len() > 1;
            }
        } else if ends_clause(c)
            && let Some(last) = tokens.last_mut()
        {
            last.ends_clause = true;
        }
        open = letter || inner;
    }
    tokens
}

fn ends_clause(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '(' | ')' | '。' | '，' | '；' | '！' | '？' | '：' | '…' | '、'
    )
}

/// A word of a phrase, or how one begins.
struct Part {
    text: String,
    open: bool,
}

impl Part {
    fn fits(&self, token: &Token) -> bool {
        if self.open { token.text.starts_with(&self.text) } else { token.text == self.text }
    }
}

type Meanings = Vec<(Feeling, f64)>;

pub(super) struct Lists {
    /// Phrases by how their first word begins.
    phrases: HashMap<String, Vec<(Vec<Part>, Meanings)>>,
    denying: HashSet<&'static str>,
    strengthening: HashSet<&'static str>,
}

/// So many characters of the first word are looked up: what is open is at least as long.
const HEAD: usize = 3;

fn head(text: &str) -> &str {
    text.char_indices().nth(HEAD).map_or(text, |(end, _)| &text[..end])
}

impl Lists {
    fn new() -> Self {
        let mut meanings: BTreeMap<&str, Meanings> = BTreeMap::new();
        for line in LIST.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut parts = line.splitn(3, ' ');
            let mut part = || parts.next().unwrap_or_default();
            let (Some(feeling), Ok(weight), phrases) = (Feeling::named(part()), part().parse(), part()) else {
                continue;
            };
            for phrase in phrases.split(',').map(str::trim) {
                let of = meanings.entry(phrase).or_default();
                // What is in two lists of one feeling weighs as the heavier says.
                match of.iter_mut().find(|it| it.0 == feeling) {
                    Some(known) => known.1 = known.1.max(weight),
                    None => of.push((feeling, weight)),
                }
            }
        }
        let mut phrases: HashMap<String, Vec<(Vec<Part>, Meanings)>> = HashMap::new();
        for (phrase, meaning) in meanings {
            let parts: Vec<Part> = phrase.split(' ').flat_map(parts).collect();
            if let Some(first) = parts.first() {
                phrases.entry(head(&first.text).to_owned()).or_default().push((parts, meaning));
            }
        }
        let set = |list: &'static str| list.split_whitespace().collect();
        Self { phrases, denying: set(DENYING), strengthening: set(STRENGTHENING) }
    }

    /// The longest phrase that begins here, by words, then by letters; what stands open is shorter than what does not.
    pub fn longest(&self, tokens: &[Token], at: usize) -> Option<(usize, &Meanings)> {
        let here = self.phrases.get(head(&tokens[at].text))?;
        let stands = |parts: &[Part]| {
            let rest = &tokens[at..];
            parts.len() <= rest.len()
                && parts.iter().zip(rest).all(|(part, token)| part.fits(token))
                && rest[..parts.len() - 1].iter().all(|it| !it.ends_clause)
        };
        let size = |parts: &[Part]| {
            (parts.len(), parts.iter().map(|it| it.text.len() * 2 + usize::from(!it.open)).sum::<usize>())
        };
        let found = here.iter().filter(|(parts, _)| stands(parts)).max_by_key(|(parts, _)| size(parts))?;
        Some((found.0.len(), &found.1))
    }

    pub fn denies(&self, word: &str) -> bool {
        self.denying.contains(word)
    }

    pub fn strengthens(&self, word: &str) -> bool {
        self.strengthening.contains(word)
    }

    /// German denies verbs from behind ("ich freue mich nicht"), within the clause.
    pub fn denied_behind(&self, last: &Token, behind: &[Token]) -> bool {
        let mut open = !last.ends_clause;
        behind
            .iter()
            .take(3)
            .take_while(|it| std::mem::replace(&mut open, !it.ends_clause))
            .any(|it| it.text == "nicht")
    }
}

/// A word of a list; of a script without blanks, its characters.
fn parts(word: &str) -> Vec<Part> {
    let (text, open) = word.strip_suffix('*').map_or((word, false), |begin| (begin, true));
    if text.chars().any(without_blanks) {
        return text.chars().map(|c| Part { text: c.to_string(), open: false }).collect();
    }
    vec![Part { text: text.to_owned(), open }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_of_the_lists_is_found_by_itself() {
        let mut phrases = 0;
        for line in LIST.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (feeling, rest) = line.split_once(' ').unwrap();
            let feeling = Feeling::named(feeling).unwrap();
            for phrase in rest.split_once(' ').unwrap().1.split(',') {
                let phrase = phrase.trim().replace('*', "");
                assert!(!phrase.is_empty() && phrase == phrase.to_lowercase(), "{phrase:?}");
                let tokens = tokens(&phrase);
                let (length, meanings) = LISTS.longest(&tokens, 0).unwrap_or_else(|| panic!("{phrase:?}"));
                assert!(length == tokens.len() && meanings.iter().any(|it| it.0 == feeling), "{phrase:?} {meanings:?}");
                phrases += 1;
            }
        }
        assert!(phrases > 1_000);
    }

    #[test]
    fn open_beginnings_are_long_enough_to_be_looked_up() {
        let first = |phrase: &Vec<Part>| phrase[0].open && phrase[0].text.chars().count() < HEAD;
        assert!(!LISTS.phrases.values().flatten().any(|(parts, _)| first(parts)));
    }
}
