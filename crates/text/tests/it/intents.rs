//! Intents by examples: BANKING77 (Casanueva et al. 2020), official train and test parts.

use rapport_text::intents::Intents;

use crate::data::bytes;

fn part(name: &str) -> Option<Vec<(String, String)>> {
    let bytes = bytes(&format!("banking77/{name}.csv"))?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    Some(reader.deserialize().collect::<csv::Result<_>>().unwrap())
}

#[test]
fn nine_of_ten_messages_to_a_bank_are_understood() {
    let (Some(train), Some(test)) = (part("train"), part("test")) else { return };
    assert_eq!((train.len(), test.len()), (10_003, 3_080));
    let examples: Vec<(&str, &str)> = train.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let model = Intents::learn(&examples).unwrap();
    let (mut right, mut claimed) = (0, 0.0);
    for (text, intent) in &test {
        let guesses = model.guesses(text);
        assert!(guesses.len() == 77 && guesses[0].probability >= guesses[1].probability);
        right += usize::from(guesses[0].intent == intent);
        claimed += guesses[0].probability;
    }
    let (accuracy, claimed) = (right as f64 / test.len() as f64, claimed / test.len() as f64);
    println!("accuracy {accuracy:.4}, claimed {claimed:.4}, own measure {:?}", model.accuracy());
    assert!(accuracy >= 0.91, "{accuracy}");
    assert!((accuracy - claimed).abs() < 0.03 && (accuracy - model.accuracy().unwrap()).abs() < 0.03);
    assert!(model.guesses("").is_empty() && model.guesses("\u{202e}很").is_empty());
}

#[test]
fn few_examples_are_enough_to_begin_with_and_one_intent_is_none() {
    let examples = [
        ("where is my parcel", "delivery"),
        ("parcel has not come", "delivery"),
        ("退款", "refund"),
        ("money back please", "refund"),
    ];
    let model = Intents::learn(&examples).unwrap();
    assert_eq!(model.guesses("我要退款")[0].intent, "refund");
    assert_eq!(model.guesses("parcel?")[0].intent, "delivery");
    assert!(Intents::learn(&examples[..2]).is_none() && Intents::learn(&[]).is_none());
}
