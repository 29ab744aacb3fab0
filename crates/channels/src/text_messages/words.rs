//! The words by which people stop and start messages.
//!
//! Always holds: only a message that is nothing but the word counts; "please don't stop" is no STOP.

/// What somebody asks for with one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Who is this?
    Help,
}

/// English: those that carriers demand (CTIA Messaging Principles 5.1.3; Twilio's list, with OPTOUT and REVOKE of 2025); then German, French, Spanish and
/// Chinese (TD and T are what Chinese carriers print under advertisements).
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "optout",
    "opt out",
    "revoke",
    "stopp",
    "abmelden",
    "arret",
    "arrêt",
    "alto",
    "baja",
    "td",
    "t",
    "退订",
    "退訂",
    "拒收",
    "取消订阅",
];
const START: &[&str] = &["start", "unstop", "subscribe", "anmelden", "订阅", "訂閱"];
const HELP: &[&str] = &["help", "info", "hilfe", "帮助", "幫助"];

/// The wish that a whole message is, if it is one.
pub fn wish(text: &str) -> Option<Wish> {
    if text.len() > 100 {
        return None;
    }
    let odd = |c: char| c.is_whitespace() || c.is_ascii_punctuation() || "。！!？，“”".contains(c);
    let word = text.trim_matches(odd).to_lowercase();
    let is_one_of = |words: &[&str]| words.contains(&word.as_str());
    if is_one_of(STOP) {
        Some(Wish::Stop)
    } else if is_one_of(START) {
        Some(Wish::Start)
    } else {
        is_one_of(HELP).then_some(Wish::Help)
    }
}
