//! Sentiment by rules against the Python package: `tests/samples/reference.py` made what is compared with.

use rapport_text::rules::{Sentiment, sentiment};

use crate::data::{GROUND_TRUTH, ground_truth};

fn sample(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap()
}

fn figures(found: Sentiment) -> [i64; 4] {
    let scaled = |value: f64, scale: f64| (value * scale).round() as i64;
    [scaled(found.compound, 1e4), scaled(found.negative, 1e3), scaled(found.neutral, 1e3), scaled(found.positive, 1e3)]
}

#[test]
fn all_ground_truth_texts_have_the_figures_of_the_python_package() {
    let expected = sample(include_bytes!("../samples/groundtruth.txt.zst"));
    let mut expected = expected.lines().map(|line| line.split(' ').map(|it| it.parse().unwrap()).collect::<Vec<i64>>());
    let mut compared = 0;
    for name in GROUND_TRUTH {
        let Some(texts) = ground_truth(name) else { return };
        for it in texts {
            assert_eq!(figures(sentiment(&it.text)).to_vec(), expected.next().unwrap(), "{:?}", it.text);
            compared += 1;
        }
    }
    assert_eq!((compared, expected.next()), (23_703, None));
}

/// Negations, degrees, idioms, capitals, emoji, "but" and odd white space in any order, and letters whose case is special.
#[test]
fn made_up_texts_have_the_figures_of_the_python_package() {
    let expected = sample(include_bytes!("../samples/made_up.jsonl.zst"));
    for line in expected.lines() {
        let (text, a, b, c, d): (String, i64, i64, i64, i64) = serde_json::from_str(line).unwrap();
        assert_eq!(figures(sentiment(&text)), [a, b, c, d], "{text:?}");
    }
    assert_eq!(expected.lines().count(), 4_000);
}
