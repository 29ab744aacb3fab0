//! Themes against what people said that texts are about.

use std::collections::HashMap;

use proptest::prelude::*;
use rapport_text::themes::taxonomy::{Example, Taxonomy, Topic};
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
    // The theme of a text is that of most of its clauses.
    let mut of_texts: HashMap<usize, HashMap<usize, usize>> = HashMap::new();
    for (theme, it) in found.themes.iter().enumerate() {
        it.clauses.iter().for_each(|place| *of_texts.entry(place.text).or_default().entry(theme).or_default() += 1);
    }
    let mut intents: HashMap<usize, HashMap<&str, usize>> = HashMap::new();
    for (text, themes) in &of_texts {
        let theme = themes.iter().max_by_key(|(theme, count)| (**count, usize::MAX - **theme)).unwrap().0;
        *intents.entry(*theme).or_default().entry(rows[*text].1.as_str()).or_default() += 1;
    }
    let of_texts = intents.values().map(|it| it.values().max().unwrap()).sum::<usize>() as f64 / of_texts.len() as f64;
    println!("purity of whole texts {of_texts:.3}");
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
const PURITY: f64 = 0.38;

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

fn topics(of: &[(&str, &[&str])]) -> Vec<Topic> {
    let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect();
    of.iter().map(|(key, own)| Topic { key: (*key).to_owned(), words: words(own) }).collect()
}

#[test]
fn words_that_people_gave_decide_in_any_form_and_corrections_teach_the_rest() {
    let kept = topics(&[("delivery", &["parcel", "delivery time", "送餐"]), ("taste", &["味道"]), ("price", &[])]);
    let bare = Taxonomy::learn(&kept, &[]);
    let of = |model: &Taxonomy, text: &str| -> Vec<(String, String)> {
        model.assign(text).iter().map(|it| (text[it.range.clone()].trim().to_owned(), it.topic.to_owned())).collect()
    };
    let found = of(&bare, "My parcels were late, but the price was fair.");
    assert_eq!(found, [("My parcels were late,".to_owned(), "delivery".to_owned())]);
    assert_eq!(
        of(&bare, "送餐很快，味道一般").iter().map(|it| it.1.as_str()).collect::<Vec<_>>(),
        ["delivery", "taste"]
    );
    let taught = [
        ("much too expensive for what it is", Some("price")),
        ("costs more than elsewhere", Some("price")),
        ("expensive and not worth it", Some("price")),
        ("so cheap, what a bargain", Some("price")),
        ("the colour is not mine", None),
        ("bought it for my mother", None),
        ("the colour is lovely", None),
    ];
    let examples: Vec<Example> = taught.iter().map(|(clause, topic)| Example { clause, topic: *topic }).collect();
    let model = Taxonomy::learn(&kept, &examples);
    assert_eq!(of(&model, "It is too expensive.")[0].1, "price");
    assert!(of(&model, "The colour.").is_empty() && of(&model, "").is_empty());
    // A theme that was taken away is no more, whatever was said of it.
    assert!(of(&Taxonomy::learn(&kept[..2], &examples), "It is too expensive.").is_empty());
    assert_eq!(Taxonomy::learn(&kept, &examples), model);
}

/// BANKING77's intents as a taxonomy: learnt from the official train part, measured on the test part.
#[test]
fn a_taxonomy_learns_what_people_put_where() {
    let part = |name: &str| -> Option<Vec<(String, String)>> {
        let bytes = bytes(&format!("banking77/{name}.csv"))?;
        Some(csv::Reader::from_reader(bytes.as_slice()).deserialize().collect::<csv::Result<_>>().unwrap())
    };
    let (Some(train), Some(test)) = (part("train"), part("test")) else { return };
    // Ten examples of every third intent: what a person gives in an afternoon.
    let mut taken: HashMap<&str, usize> = HashMap::new();
    let keys: Vec<&str> = train
        .iter()
        .map(|it| it.1.as_str())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .step_by(3)
        .collect();
    let mut examples = Vec::new();
    for (clause, topic) in train.iter().filter(|it| keys.contains(&it.1.as_str())) {
        let count = taken.entry(topic).or_default();
        *count += 1;
        if *count <= 10 {
            examples.push(Example { clause, topic: Some(topic) });
        }
    }
    let kept: Vec<Topic> = keys.iter().map(|key| Topic { key: (*key).to_owned(), words: vec![] }).collect();
    let model = Taxonomy::learn(&kept, &examples);
    let (mut put, mut right, mut all) = (0u32, 0u32, 0u32);
    for (text, topic) in test.iter().filter(|it| keys.contains(&it.1.as_str())) {
        let found = model.assign(text);
        all += 1;
        put += u32::from(!found.is_empty());
        right += u32::from(found.iter().any(|it| it.topic == topic));
    }
    let (precision, recall) = (f64::from(right) / f64::from(put), f64::from(right) / f64::from(all));
    println!(
        "taxonomy of {} by {} examples: precision {precision:.3}, recall {recall:.3}, own measure {:?}",
        keys.len(),
        examples.len(),
        model.quality()
    );
    let own = model.quality();
    assert!(precision > 0.85 && recall > 0.8);
    // What it says of itself, on a fifth of few examples, is about that.
    assert!(own.held_back > 30 && own.right * 10 > own.held_back * 6 && own.right * 10 > own.put * 7, "{own:?}");
}
