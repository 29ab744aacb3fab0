//! What customers say: the recommendation question after a delivery, and product reviews.
//!
//! Always holds: scores and ratings rise with the customer's hidden mood at that time; texts are invented and fit the score and language.

use rapport_domain::{
    Timestamp,
    shop_events::{PRODUCT_REVIEWED, SURVEY_ANSWERED},
};
use serde_json::Value;

use crate::{catalogue::Product, chance::Dice, message::map, recorder::Recorder, support::language_place};

/// For English, German and Chinese: what unhappy, undecided and happy people write.
type Words = [[&'static [&'static str]; 3]; 3];

#[rustfmt::skip]
const COMMENTS: Words = [
    [&["The parcel came far too late and nobody told me.", "Nobody answered my question for days.", "Paying on my phone failed again and again."],
     &["Nice things, but shipping is slow.", "Good quality, a bit expensive.", "The shop is fine, the search is not."],
     &["Beautiful things, quick delivery.", "Arrived early and well packed. Love the blanket!", "Kind support and honest descriptions."]],
    [&["Die Lieferung kam viel zu spät und niemand hat Bescheid gesagt.", "Auf meine Frage kam tagelang keine Antwort.", "Bezahlen mit PayPal auf dem Handy klappt nicht."],
     &["Schöne Sachen, aber der Versand dauert.", "Gute Qualität, etwas teuer.", "Ganz in Ordnung."],
     &["Wunderschöne Sachen und schnell geliefert.", "Kam früher als gedacht, liebevoll verpackt.", "Sehr freundlicher Service, gern wieder."]],
    [&["送货太慢了，也没有人通知我。", "客服好几天没有回复。"],
     &["东西不错，就是运费有点贵。", "质量可以，物流一般。"],
     &["非常喜欢，送货很快！", "包装精美，质量很好，推荐给朋友了。"]],
];

#[rustfmt::skip]
const REVIEWS: Words = [
    [&["Broke after two weeks. I expected more.", "Smaller than in the picture, and the seam came apart."],
     &["Does what it should, nothing more.", "Good, but the colour is darker than shown."],
     &["I use it every day and would buy it again.", "Exactly as described, very well made.", "Survived a week of rain in Norway."]],
    [&["Nach zwei Wochen kaputt. Schade.", "Kleiner als auf dem Bild, die Naht löst sich."],
     &["Tut, was es soll.", "Gut, aber die Farbe ist dunkler als gezeigt."],
     &["Benutze ich jeden Tag, würde ich wieder kaufen.", "Genau wie beschrieben, sehr gut verarbeitet."]],
    [&["用了两周就坏了，很失望。"], &["还可以，颜色比图片深。"], &["做工很好，每天都在用。", "和描述一样，值得购买。"]],
];

/// The recommendation question: asked after half of the deliveries, answered by about a third.
pub(crate) fn survey(
    dice: &mut Dice,
    recorder: &mut Recorder,
    order_id: &str,
    delivered_at: Timestamp,
    mood: f64,
    language: &str,
) {
    if !dice.happens(0.5) {
        return;
    }
    let sent_at = delivered_at.plus(dice.between(2 * Timestamp::DAY, 3 * Timestamp::DAY));
    let about = |rest: Vec<(&str, Value)>| {
        let mut fields =
            map([("survey_id", Value::from("recommend-after-delivery")), ("order_id", Value::from(order_id))]);
        fields.extend(rest.into_iter().map(|(key, value)| (key.to_owned(), value)));
        fields
    };
    recorder.reported(sent_at, "Survey Sent", about(vec![("channel", Value::from("email"))]));
    if !dice.happens(0.34) {
        return;
    }
    let score = dice.normal(8.1 + 1.5 * mood, 0.8).round().clamp(0.0, 10.0) as i64;
    let mut answer =
        vec![("type", Value::from("nps")), ("score", Value::from(score)), ("language", Value::from(language))];
    if dice.happens(0.55) {
        let tone = if score <= 6 { 0 } else { usize::from(score >= 9) + 1 };
        answer.push(("comment", Value::from(*dice.pick(COMMENTS[language_place(language)][tone]))));
    }
    let at = sent_at.plus((dice.exponential(1.0 / 18.0) * Timestamp::HOUR as f64) as i64 + Timestamp::MINUTE);
    recorder.reported(at, SURVEY_ANSWERED, about(answer));
}

/// A review of a product that was delivered: about one delivery in ten.
pub(crate) fn review(
    dice: &mut Dice,
    recorder: &mut Recorder,
    id: &str,
    product: &Product,
    delivered_at: Timestamp,
    mood: f64,
    language: &str,
) {
    if !dice.happens(0.1) {
        return;
    }
    let rating = dice.normal(4.1 + 0.6 * mood, 0.6).round().clamp(1.0, 5.0) as i64;
    let tone = match rating {
        1 | 2 => 0,
        3 => 1,
        _ => 2,
    };
    let text = *dice.pick(REVIEWS[language_place(language)][tone]);
    recorder.reported(
        delivered_at.plus(dice.between(4 * Timestamp::DAY, 25 * Timestamp::DAY)),
        PRODUCT_REVIEWED,
        map([
            ("review_id", Value::from(id)),
            ("product_id", Value::from(product.product_id.as_str())),
            ("name", Value::from(product.name)),
            ("category", Value::from(product.category)),
            ("rating", Value::from(rating)),
            ("review_body", Value::from(text)),
            ("language", Value::from(language)),
        ]),
    );
}
