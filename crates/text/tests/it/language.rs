//! Languages of short texts: the real ones that there are, and sentences written for this test where there are none.

use proptest::prelude::*;
use rapport_text::language::{language, parts};

use crate::data::{GROUND_TRUTH, bytes, ground_truth};

fn share<'t>(name: &str, texts: impl Iterator<Item = &'t str>, expected: &str) -> f64 {
    let found: Vec<bool> = texts.map(|text| language(text) == Some(expected)).collect();
    let share = found.iter().filter(|it| **it).count() as f64 / found.len() as f64;
    println!("{name}: {share:.4} of {} are {expected}", found.len());
    share
}

#[test]
fn real_short_texts_are_in_their_language() {
    for (name, least) in
        [(GROUND_TRUTH[0], 0.955), (GROUND_TRUTH[1], 0.985), (GROUND_TRUTH[2], 0.975), (GROUND_TRUTH[3], 0.99)]
    {
        let Some(texts) = ground_truth(name) else { return };
        assert!(share(name, texts.iter().map(|it| it.text.as_str()), "en") >= least, "{name}");
    }
    for name in ["ChnSentiCorp_htl_all.csv.zst", "waimai_10k.csv"] {
        let texts = column(&format!("chinese_reviews/{name}"), 1);
        assert!(share(name, texts.iter().map(String::as_str), "zh") >= 0.995);
    }
    let reviews = column("olist_sample/olist_order_reviews_dataset.csv.zst", 4);
    let several = reviews.iter().map(String::as_str).filter(|it| it.split_whitespace().count() >= 4);
    assert!(share("olist", several, "pt") >= 0.98);
}

fn column(name: &str, at: usize) -> Vec<String> {
    let bytes = bytes(name).unwrap_or_default();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader.records().map(|row| row.unwrap()[at].to_owned()).filter(|it| it.chars().any(char::is_alphabetic)).collect()
}

/// Written for this test, as customers write.
const WRITTEN: &[(&str, &str)] = &[
    ("de", "Die Lieferung kam zwei Tage zu spät"),
    ("de", "Leider passt die Größe überhaupt nicht."),
    ("de", "Super Service, gerne wieder!"),
    ("de", "Ich warte immer noch auf mein Geld."),
    ("de", "wo bleibt mein paket???"),
    ("fr", "Le colis est arrivé abîmé, je suis très déçue."),
    ("fr", "Livraison rapide et produit conforme"),
    ("es", "El producto llegó roto y nadie responde"),
    ("es", "Muy buena atención, lo recomiendo"),
    ("pt", "O produto chegou antes do prazo, adorei"),
    ("pt", "ainda não recebi meu pedido"),
    ("it", "Spedizione velocissima, prodotto ottimo"),
    ("nl", "Het pakket is nog steeds niet aangekomen"),
    ("sv", "Jag har fortfarande inte fått mitt paket"),
    ("tr", "Ürün çok güzel ama kargo geç geldi"),
    ("ru", "Заказ пришёл быстро, спасибо"),
    ("uk", "Дякую, все прийшло вчасно і ціле"),
    ("ja", "とても良い商品でした。また買います"),
    ("ko", "배송이 너무 늦어요"),
    ("zh", "质量不错，下次还会来"),
    ("zh", "差评"),
    ("el", "Πολύ καλή εξυπηρέτηση"),
    ("he", "המשלוח הגיע באיחור"),
    ("ar", "الخدمة ممتازة والتوصيل سريع"),
    ("th", "สินค้าดีมาก"),
    ("en", "@shop http://x.example/ähnlich where is my order? #fail"),
];

#[test]
fn written_sentences_are_in_their_language() {
    for (expected, text) in WRITTEN {
        assert_eq!(language(text), Some(*expected), "{text}");
    }
    for text in
        ["", "12 345", "😀😀", "ok", "\u{202e}\0", "Zamówienie dotarło później niż miało", "https://example.com/a"]
    {
        assert_eq!(language(text), None, "{text}");
    }
}

#[test]
fn parts_of_mixed_texts_have_each_their_language() {
    let of = |text: &str| parts(text).iter().map(|it| it.language.unwrap_or("?")).collect::<Vec<_>>();
    assert_eq!(of("The delivery was very slow this time. 但是客服很好！ I will come back."), ["en", "zh", "en"]);
    assert_eq!(of("Vielen Dank für die schnelle Hilfe! The product itself is still broken though."), ["de", "en"]);
    assert_eq!(of("我要退款 refund"), ["zh"]);
    assert_eq!(of("ok"), ["?"]);
    assert!(of("").is_empty());
}

proptest! {
    #[test]
    fn parts_cover_any_text(text in r"(?s)([\PC一。！😀aé .]|\x00|\u{202e}){0,80}") {
        let parts = parts(&text);
        let mut at = 0;
        for part in &parts {
            prop_assert_eq!(part.range.start, at);
            at = part.range.end;
        }
        prop_assert_eq!(at, text.len());
        language(&text);
    }
}
