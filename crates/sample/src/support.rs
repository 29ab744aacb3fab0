//! Tickets: most come from late parcels, failed payments and things sent back; unhappy people write more.
//!
//! Always holds: an answer follows its opening, a solution its answer. The texts are invented, in the language of the person.

use rapport_domain::{Timestamp, shop_events::TICKET_OPENED};
use serde_json::Value;

use crate::{chance::Dice, message::map, recorder::Recorder};

/// Why somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Late,
    Payment,
    Return,
    Damaged,
    Question,
}

/// Subject and body in English, German and Chinese.
type Texts = [(&'static str, &'static str); 3];

impl Reason {
    const fn topic(self) -> &'static str {
        match self {
            Self::Late => "delivery",
            Self::Payment => "payment",
            Self::Return => "return",
            Self::Damaged => "damaged",
            Self::Question => "question",
        }
    }

    #[rustfmt::skip]
    const fn texts(self) -> Texts {
        match self {
            Self::Late => [
                ("Where is my parcel?", "My order should have been here days ago and the tracking page has not moved. Can you find out where it is?"),
                ("Wo bleibt mein Paket?", "Meine Bestellung sollte längst da sein, in der Sendungsverfolgung passiert seit Tagen nichts. Können Sie bitte nachfragen?"),
                ("我的包裹在哪里？", "订单早就应该到了，物流信息好几天没有更新。请帮我查一下。")],
            Self::Payment => [
                ("Payment fails on my phone", "I tried to pay with PayPal on my phone three times. The page goes white after I confirm. On the computer it works."),
                ("Bezahlen auf dem Handy geht nicht", "Ich habe dreimal versucht, auf dem Handy mit PayPal zu zahlen. Nach dem Bestätigen bleibt die Seite weiß."),
                ("手机无法付款", "我在手机上用PayPal付款三次都失败，确认之后页面变成空白。")],
            Self::Return => [
                ("How do I send this back?", "It does not fit. I would like to return it and get my money back. Is there a label?"),
                ("Rücksendung", "Leider passt es nicht. Ich möchte es zurückschicken. Wo finde ich das Etikett?"),
                ("如何退货？", "尺寸不合适，我想退货退款，请问在哪里打印退货单？")],
            Self::Damaged => [
                ("Arrived broken", "The parcel was dented and the item inside is broken. I can send pictures."),
                ("Beschädigt angekommen", "Das Paket war eingedrückt und der Artikel ist kaputt. Fotos kann ich gern schicken."),
                ("收到时已损坏", "包裹被压坏了，里面的东西也坏了，我可以发照片。")],
            Self::Question => [
                ("A question about sizes", "I am between two sizes. Which one do you recommend?"),
                ("Frage zum Material", "Ist die Wolle mulesing-frei, und wie wasche ich sie am besten?"),
                ("产品咨询", "请问这款适合零下十度使用吗？")],
        }
    }
}

#[rustfmt::skip]
const ANSWERS: [&str; 3] = [
    "Thank you for writing. I am sorry for the trouble; I have looked into it and this is what we will do.",
    "Danke für Ihre Nachricht. Das tut mir leid; ich habe nachgesehen, und so geht es weiter.",
    "感谢您的来信。给您带来不便非常抱歉，我们已经核实并会尽快处理。",
];

/// The place of a language in the texts.
pub(crate) fn language_place(language: &str) -> usize {
    match language {
        "de" => 1,
        "zh" => 2,
        _ => 0,
    }
}

/// One ticket, from its opening to its solution, as far as it gets.
pub(crate) fn ticket(
    dice: &mut Dice,
    recorder: &mut Recorder,
    id: &str,
    order_id: &str,
    reason: Reason,
    language: &str,
    at: Timestamp,
) {
    let place = language_place(language);
    let (subject, body) = reason.texts()[place];
    recorder.reported(
        at,
        TICKET_OPENED,
        map([
            ("ticket_id", Value::from(id)),
            ("order_id", Value::from(order_id)),
            ("topic", Value::from(reason.topic())),
            ("subject", Value::from(subject)),
            ("body", Value::from(body)),
            ("channel", Value::from(if dice.happens(0.7) { "email" } else { "chat" })),
            ("language", Value::from(language)),
        ]),
    );
    let slow = dice.happens(if reason == Reason::Late { 0.4 } else { 0.25 });
    let hours = 0.3 + dice.exponential(if slow { 1.0 / 45.0 } else { 1.0 / 6.0 });
    let answered_at = at.plus((hours * Timestamp::HOUR as f64) as i64);
    let agent = *dice.pick(&["Mika", "Jule", "Samir"]);
    recorder.reported(
        answered_at,
        "Ticket Answered",
        map([("ticket_id", Value::from(id)), ("body", Value::from(ANSWERS[place])), ("agent", Value::from(agent))]),
    );
    if dice.happens(0.93) {
        let solved_at =
            answered_at.plus((dice.exponential(1.0 / 14.0) * Timestamp::HOUR as f64) as i64 + Timestamp::MINUTE);
        recorder.reported(
            solved_at,
            "Ticket Solved",
            map([("ticket_id", Value::from(id)), ("agent", Value::from(agent))]),
        );
    }
}
