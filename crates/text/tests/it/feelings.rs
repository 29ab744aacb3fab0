//! Feelings on real texts that one person read and marked, and on sentences written for the tests.

use std::collections::{BTreeMap, BTreeSet};

use rapport_text::feelings::learnt::{LearntFeelings, Measured};
use rapport_text::feelings::{ALL, Feeling, feelings};

use crate::data::{bytes, ground_truth};

/// A text and for each feeling whether it is shown; `None` where one may think so or not.
struct Marked {
    text: String,
    shown: [Option<bool>; ALL.len()],
}

fn shown(letters: &str) -> [Option<bool>; ALL.len()] {
    let mut shown = [Some(false); ALL.len()];
    let mut letters = letters.chars().peekable();
    while let Some(letter) = letters.next() {
        let at = "adxjgtu".find(letter).unwrap_or_else(|| panic!("{letter} is no feeling"));
        shown[at] = letters.next_if_eq(&'?').map_or(Some(true), |_| None);
    }
    shown
}

fn own() -> Vec<Marked> {
    let lines = include_str!("../samples/feelings_own.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(letters, text)| Marked { text: text.to_owned(), shown: shown(letters) })
        .collect()
}

/// The rows of a set in the order of its file.
fn rows(set: &str) -> Option<Vec<String>> {
    let column = |file: &str, column: usize| {
        let bytes = bytes(file)?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let texts = reader.records().map(|row| row.unwrap()[column].trim().to_owned());
        Some(texts.filter(|text| !text.is_empty()).collect())
    };
    match set {
        "tweets" => {
            Some(ground_truth("vader_groundtruth/tweets_GroundTruth.txt")?.into_iter().map(|it| it.text).collect())
        }
        "banking" => column("banking77/test.csv", 0),
        "waimai" => column("chinese_reviews/waimai_10k.csv", 1),
        "olist" => column("olist_sample/olist_order_reviews_dataset.csv.zst", 4),
        other => {
            let bytes = bytes(&format!("sentiment_sentences/{other}_labelled.txt"))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Some(text.split('\n').filter_map(|line| line.rsplit_once('\t')).map(|it| it.0.trim().to_owned()).collect())
        }
    }
}

fn marked() -> Option<Vec<Marked>> {
    let mut sets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut marked = Vec::new();
    for line in include_str!("../samples/feelings.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (set, row): (&str, usize) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
        if !sets.contains_key(set) {
            sets.insert(set, rows(set)?);
        }
        marked.push(Marked { text: sets[set][row].clone(), shown: shown(parts.next().unwrap_or_default()) });
    }
    Some(marked)
}

fn measured(marked: &[&Marked], feeling: Feeling, found: impl Fn(&str) -> BTreeSet<Feeling>) -> Measured {
    let pair = |it: &&Marked| Some((found(&it.text).contains(&feeling), it.shown[feeling as usize]?));
    Measured::of(marked.iter().filter_map(pair))
}

fn by_rules(text: &str) -> BTreeSet<Feeling> {
    feelings(text).into_iter().map(|it| it.feeling).collect()
}

#[test]
fn sentences_written_for_it_have_their_feelings() {
    for it in own() {
        let found = by_rules(&it.text);
        let wanted: BTreeSet<Feeling> = ALL.into_iter().filter(|of| it.shown[*of as usize] == Some(true)).collect();
        assert!(wanted.is_subset(&found), "{}: {found:?}, not {wanted:?}", it.text);
        assert!(!wanted.is_empty() || found.is_empty(), "{}: {found:?}", it.text);
    }
}

/// The lists were written before the texts were read, and were mended with every second one; the others measure.
#[test]
fn rules_are_right_about_most_of_what_they_find() {
    let Some(marked) = marked() else { return };
    let half = |odd: usize| -> Vec<&Marked> { marked.iter().skip(odd).step_by(2).collect() };
    for feeling in ALL {
        let [mended, unseen] = [half(0), half(1)].map(|half| measured(&half, feeling, by_rules));
        println!(
            "{:<15} precision {:.2?} recall {:.2?} {unseen:?}; mended with {:.2?} {:.2?} {mended:?}",
            feeling.name(),
            unseen.precision(),
            unseen.recall(),
            mended.precision(),
            mended.recall()
        );
        // Of fewer a share says nothing: those that are rare were drawn from what is found, below.
        assert!(unseen.found < 12 || unseen.precision() >= Some(0.75), "{feeling:?} {unseen:?}");
    }
}

#[test]
fn what_is_found_seldom_is_mostly_right_too() {
    let mut sets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut marks: BTreeMap<Feeling, Vec<(bool, bool)>> = BTreeMap::new();
    for line in include_str!("../samples/feelings_found.txt").lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(' ').collect();
        let (feeling, set, row, mark) =
            (Feeling::named(parts[0]).unwrap(), parts[1], parts[2].parse::<usize>().unwrap(), parts[3]);
        if !sets.contains_key(set) {
            let Some(rows) = rows(set) else { return };
            sets.insert(set, rows);
        }
        let found = by_rules(&sets[set][row]).contains(&feeling);
        assert!(found, "{line}: drawn from what is found, but it is not: draw anew");
        if mark != "?" {
            marks.entry(feeling).or_default().push((found, mark == "y"));
        }
    }
    for (feeling, pairs) in marks {
        let of = Measured::of(pairs);
        println!("{:<15} {} of {} right: {:.2}", feeling.name(), of.right, of.found, of.precision().unwrap());
        assert!(of.precision() >= Some(0.7), "{feeling:?} {of:?}");
    }
}

#[test]
fn corrections_teach_what_the_lists_do_not_know() {
    let Some(marked) = marked() else { return };
    let sets: Vec<(&str, BTreeSet<Feeling>)> = marked
        .iter()
        .map(|it| (it.text.as_str(), ALL.into_iter().filter(|of| it.shown[*of as usize] == Some(true)).collect()))
        .collect();
    let corrected: Vec<(&str, &BTreeSet<Feeling>)> = sets.iter().map(|it| (it.0, &it.1)).collect();
    let model = LearntFeelings::learn(&corrected).unwrap();
    for it in model.quality() {
        println!(
            "{:<15} learnt {:.2?} {:.2?} f1 {:.3}, rules {:.2?} {:.2?} f1 {:.3}",
            it.feeling.name(),
            it.learnt.precision(),
            it.learnt.recall(),
            it.learnt.f1(),
            it.rules.precision(),
            it.rules.recall(),
            it.rules.f1()
        );
    }
    let mean = |of: &dyn Fn(&rapport_text::feelings::learnt::Quality) -> f64| {
        model.quality().iter().map(of).sum::<f64>() / model.quality().len() as f64
    };
    let (learnt, rules) = (mean(&|it| it.learnt.f1().max(it.rules.f1())), mean(&|it| it.rules.f1()));
    println!("{learnt:.3} {rules:.3}");
    assert!(learnt > rules);
    assert_eq!(LearntFeelings::learn(&corrected), Some(model));
}

/// A language of which there is no list: made-up words, so that nothing but the corrections can know them.
#[test]
fn a_language_without_lists_is_learnt() {
    let angry: BTreeSet<Feeling> = [Feeling::Anger].into();
    let calm = BTreeSet::new();
    let texts: Vec<(String, &BTreeSet<Feeling>)> = (0..60)
        .map(|at| {
            (
                format!("{} oma{} tulu{}", if at % 2 == 0 { "vihane grumu" } else { "ilus pakk" }, at % 7, at % 5),
                if at % 2 == 0 { &angry } else { &calm },
            )
        })
        .collect();
    let corrected: Vec<(&str, &BTreeSet<Feeling>)> = texts.iter().map(|it| (it.0.as_str(), it.1)).collect();
    let model = LearntFeelings::learn(&corrected).unwrap();
    let found = model.feelings("see on vihane grumu");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].feeling, Feeling::Anger);
    assert!(found[0].reasons.iter().any(|at| &"see on vihane grumu"[at.clone()] == "vihane"));
    assert!(model.feelings("ilus pakk").is_empty());
    // What was not taught goes on by the rules.
    assert!(model.feelings("thank you so much").iter().any(|it| it.feeling == Feeling::Gratitude));
    assert!(LearntFeelings::learn(&corrected[..15]).is_none() && LearntFeelings::learn(&[]).is_none());
}
