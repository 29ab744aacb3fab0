//! What helped before: of follow-ups after which somebody was content again, those whose words are most like these.
//!
//! Words count by their stems and by how rare they are among all texts that are compared (TF-IDF, cosine); texts in another language have no words in common.
//!
//! Always holds: the same texts give the same order; what has nothing in common is not suggested.

use std::collections::{BTreeMap, BTreeSet};

use rapport_text::words::Stems;

/// What has less in common is no likeness.
const LEAST: f64 = 0.1;
/// So much of a text is looked at, in characters.
const MOST_CHARACTERS: usize = 4_000;

/// Places of the texts that are most like `own`, the most alike first, with how alike they are (0 to 1); at most `most`.
pub fn alike(own: &str, texts: &[String], most: usize) -> Vec<(usize, f64)> {
    let stems = |text: &str| -> BTreeMap<String, f64> {
        let cut = text.char_indices().nth(MOST_CHARACTERS).map_or(text, |(at, _)| &text[..at]);
        let mut counts = BTreeMap::new();
        for word in Stems::of(cut).words(cut) {
            *counts.entry(word.stem).or_insert(0.0) += 1.0;
        }
        counts
    };
    let own = stems(own);
    let others: Vec<BTreeMap<String, f64>> = texts.iter().map(|text| stems(text)).collect();
    let mut met: BTreeMap<&str, f64> = BTreeMap::new();
    for words in others.iter().chain([&own]) {
        words.keys().for_each(|word| *met.entry(word).or_default() += 1.0);
    }
    let all = others.len() as f64 + 1.0;
    let weigh = |words: &BTreeMap<String, f64>| -> BTreeMap<String, f64> {
        let weight = |(word, count): (&String, &f64)| {
            let rarity = (1.0 + all / met.get(word.as_str()).copied().unwrap_or(1.0)).ln();
            (word.clone(), (1.0 + count.ln()) * rarity)
        };
        words.iter().map(weight).collect()
    };
    let length = |words: &BTreeMap<String, f64>| words.values().map(|weight| weight * weight).sum::<f64>().sqrt();
    let own = weigh(&own);
    let own_length = length(&own);
    let mut found: Vec<(usize, f64)> = Vec::new();
    for (place, words) in others.iter().enumerate() {
        let words = weigh(words);
        let common: BTreeSet<&String> = own.keys().filter(|word| words.contains_key(*word)).collect();
        let product: f64 = common.iter().map(|word| own[*word] * words[*word]).sum();
        let likeness = product / (own_length * length(&words));
        if likeness >= LEAST {
            found.push((place, likeness.min(1.0)));
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_same_comes_first() {
        let texts = [
            "The parcel came two weeks late and nobody told me",
            "The lamp broke after a day, the switch is loose",
            "Das Paket kam zu spät",
            "",
            "My parcel is late, where is it?",
        ]
        .map(str::to_owned);
        let found = alike("Where is my parcel? It is late again", &texts, 3);
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [4, 0]);
        assert!(found.iter().all(|it| (LEAST..=1.0).contains(&it.1)));
        assert_eq!(alike("", &texts, 3), []);
        assert_eq!(alike("lamp switch", &texts, 1).first().map(|it| it.0), Some(1));
        let same = alike(&texts[1], &texts, 1);
        assert!((same[0].1 - 1.0).abs() < 1e-9);
    }
}
