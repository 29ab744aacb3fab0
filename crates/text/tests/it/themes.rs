//! Themes against what people said that texts are about.

use std::collections::HashMap;

use proptest::prelude::*;
use rapport_text::themes::{Wanted, clauses, themes};

use crate::data::bytes;

const WANTED: Wanted = Wanted { themes: None, words: 3 };

#[test]
fn clauses_are_cut_where_the_subject_may_change() {
    let of = |text: &str| clauses(text).into_iter().map(|range| text[range].trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        of("The room was 12.5 m² but the staff was kind. Come again!"),
        ["The room was 12.5 m²", "but the staff was kind.", "Come again!"]
    );
    assert_eq!(of("送餐很快，味道好，但是有点贵。"), ["送餐很快，", "味道好，", "但是有点贵。"]);
    assert!(of(" ... \u{202e}\0!").is_empty());
}

/// BANKING77: 77 intents that people gave. Each theme counts as the intent of most of its texts.
#[test]
fn themes_of_messages_to_a_bank_follow_what_people_said() {
    let Some(bytes) = bytes("banking77/test.csv") else { return };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: Vec<(String, String)> = reader.deserialize().collect::<csv::Result<_>>().unwrap();
    let texts: Vec<&str> = rows.iter().map(|it| it.0.as_str()).collect();
    let found = themes(&texts, Wanted { themes: Some(77), words: 3 });
    let purity = |factor: usize| {
        let (mut right, mut all) = (0, 0);
        for theme in &found.themes {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            let intent = |text: usize| rows[text * factor % rows.len()].1.as_str();
            theme.clauses.iter().for_each(|place| *counts.entry(intent(place.text)).or_default() += 1);
            right += counts.values().max().unwrap();
            all += theme.clauses.len();
        }
        f64::from(u32::try_from(right).unwrap()) / all as f64
    };
    // With the intents of other texts, in another order: what chance gives.
    let (purity, chance) = (purity(1), purity(1_009));
    let coherence = found.themes.iter().map(|it| it.coherence).sum::<f64>() / found.themes.len() as f64;
    println!(
        "purity {purity:.3}, by chance {chance:.3}, coherence {coherence:.3}, stability {:.3}, without {}",
        found.stability,
        found.without.len()
    );
    found.themes.iter().take(8).for_each(|it| println!("{} {:?}", it.clauses.len(), it.label));
    assert!(purity >= PURITY && purity > 2.5 * chance && coherence > 0.0 && found.stability > 0.3);
    assert_eq!(themes(&texts, Wanted { themes: Some(77), words: 3 }), found);
}

/// What is reached; a theme for each intent is too much to hope for.
const PURITY: f64 = 0.3;

#[test]
fn chinese_themes_are_words() {
    let Some(bytes) = bytes("chinese_reviews/waimai_10k.csv") else { return };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let texts: Vec<String> = reader.records().map(|row| row.unwrap()[1].to_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = themes(&texts, WANTED);
    found.themes.iter().take(12).for_each(|it| println!("{} {:?} {:.2}", it.clauses.len(), it.label, it.coherence));
    let labels: Vec<&String> = found.themes.iter().flat_map(|it| &it.label).collect();
    for word in ["味道", "小时", "态度"] {
        assert!(labels.iter().any(|label| label.contains(word)), "{word} {labels:?}");
    }
}

#[test]
fn nothing_has_no_themes() {
    for texts in [vec![], vec![""], vec!["\0", "!!!"], vec!["once only"]] {
        let found = themes(&texts, WANTED);
        assert!(found.themes.is_empty() && found.without.len() <= 1);
    }
}

proptest! {
    #[test]
    fn every_clause_is_somewhere_once(texts in prop::collection::vec(r"(parcel|late|room|早餐|[\PC]| |\. |,|\x00){0,30}", 0..12)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = themes(&texts, WANTED);
        let mut places: Vec<(usize, usize)> = found.themes.iter().flat_map(|it| &it.clauses).chain(&found.without).map(|it| (it.text, it.range.start)).collect();
        places.sort_unstable();
        let all: Vec<(usize, usize)> = texts.iter().enumerate().flat_map(|(text, it)| clauses(it).into_iter().map(move |range| (text, range.start))).collect();
        prop_assert_eq!(places, all);
    }
}
