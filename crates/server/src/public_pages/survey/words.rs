//! The words of a survey's page beside its own, in English and Chinese; other languages have English ones.

use rapport_domain::Language;
use rapport_feedback::survey::Refusal;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// A button.
    pub next: &'static str,
    /// A button.
    pub back: &'static str,
    /// The last button.
    pub send: &'static str,
    /// Beside a question.
    pub required: &'static str,
    /// How far one is; `{page}`, `{pages}`.
    pub progress: &'static str,
    /// Above several languages.
    pub language: &'static str,
    /// An answer of one's own.
    pub other: &'static str,
    /// Where one writes it.
    pub other_hint: &'static str,
    /// An answer.
    pub no_opinion: &'static str,
    /// Two answers.
    pub yes_no: [&'static str; 2],
    /// The five answers of a Kano question.
    pub kano: [&'static str; 5],
    /// How a ranking is filled in.
    pub rank_hint: &'static str,
    /// How many may be chosen; `{most}`.
    pub at_most: &'static str,
    /// Above refusals.
    pub look_again: &'static str,
    /// Above questions that answers led to.
    pub one_more: &'static str,
    /// At the end.
    pub thanks: &'static str,
    /// At the end, where enough others had answered.
    pub screened: &'static str,
    /// At the end, on a device that stands somewhere.
    pub begins_anew: &'static str,
    /// A button there.
    pub again: &'static str,
    /// Headings and texts when nothing can be answered, by why.
    pub shut: [(&'static str, &'static str, &'static str); 5],
    /// What is said of refused answers, by code.
    refusals: &'static [(&'static str, &'static str)],
}

/// English words.
pub const ENGLISH: Words = Words {
    tag: "en",
    next: "Next",
    back: "Back",
    send: "Send",
    required: "needs an answer",
    progress: "Page {page} of {pages}",
    language: "Language",
    other: "Something else",
    other_hint: "In your own words",
    no_opinion: "I cannot say",
    yes_no: ["Yes", "No"],
    kano: ["I like it", "It must be that way", "I do not mind", "I can live with it", "I dislike it"],
    rank_hint: "Give each a place: 1 is the most important.",
    at_most: "Choose {most} at most.",
    look_again: "Some answers need another look. Everything else is kept.",
    one_more: "Your answer leads to one more question.",
    thanks: "Thank you for your answers.",
    screened: "Thank you. Enough people like you have answered already, so there is nothing more to ask.",
    begins_anew: "This page begins anew in a moment.",
    again: "Begin anew",
    shut: [
        ("gone", "This link does not work", "It may have been cut off on its way. Open it again from the message."),
        ("closed", "This survey is over", "Thank you for your interest. It takes no more answers."),
        ("paused", "This survey takes a break", "Please come back later: your link keeps working."),
        ("expired", "The time to answer is over", "Thank you for your interest."),
        ("not_open", "This survey is not open yet", "Please come back later: your link keeps working."),
    ],
    refusals: &[
        ("required", "Please answer this question."),
        ("not_a_number", "Please give a whole number."),
        ("too_low", "The least is {limit}."),
        ("too_high", "The most is {limit}."),
        ("too_many", "Please choose {limit} at most."),
        ("exclusive", "One of these answers goes with no other."),
        ("twice", "Each can have one place only."),
        ("unfinished", "Please give each a place."),
        ("too_long", "Please write {limit} letters at most."),
        ("file", "A file cannot be an answer. Please write it in words."),
        ("not_a_day", "Please give a day, such as 2026-01-31."),
        ("unknown_choice", "This is not one of the answers. Please choose again."),
    ],
};

/// Chinese words.
pub const CHINESE: Words = Words {
    tag: "zh-CN",
    next: "下一页",
    back: "上一页",
    send: "提交",
    required: "必答",
    progress: "第 {page} 页，共 {pages} 页",
    language: "语言",
    other: "其他",
    other_hint: "请用您自己的话说明",
    no_opinion: "说不清",
    yes_no: ["是", "否"],
    kano: ["我喜欢这样", "理应如此", "无所谓", "可以忍受", "我不喜欢这样"],
    rank_hint: "请为每一项选择名次：1 表示最重要。",
    at_most: "最多选择 {most} 项。",
    look_again: "有些回答需要再看一下，其余内容已保存。",
    one_more: "根据您的回答，还有一个问题。",
    thanks: "感谢您的回答。",
    screened: "谢谢您。与您情况相似的回答已经足够，无需继续作答。",
    begins_anew: "本页稍后将重新开始。",
    again: "重新开始",
    shut: [
        ("gone", "此链接无效", "链接可能不完整，请从消息中重新打开。"),
        ("closed", "调查已结束", "感谢您的关注，本调查不再接受回答。"),
        ("paused", "调查暂停中", "请稍后再来，您的链接依然有效。"),
        ("expired", "已过回答期限", "感谢您的关注。"),
        ("not_open", "调查尚未开始", "请稍后再来，您的链接依然有效。"),
    ],
    refusals: &[
        ("required", "请回答此问题。"),
        ("not_a_number", "请填写整数。"),
        ("too_low", "最小为 {limit}。"),
        ("too_high", "最大为 {limit}。"),
        ("too_many", "最多选择 {limit} 项。"),
        ("exclusive", "其中一项不能与其他选项同时选择。"),
        ("twice", "每一项只能有一个名次。"),
        ("unfinished", "请为每一项选择名次。"),
        ("too_long", "最多 {limit} 个字。"),
        ("file", "不能以文件作答，请用文字说明。"),
        ("not_a_day", "请填写日期，例如 2026-01-31。"),
        ("unknown_choice", "这不是可选的答案，请重新选择。"),
    ],
};

impl Words {
    /// The words for a reader.
    pub fn of(language: &Language) -> &'static Self {
        if language.primary() == "zh" { &CHINESE } else { &ENGLISH }
    }

    /// What is said of a refused answer.
    pub fn refusal(&self, refusal: &Refusal) -> String {
        let text = self.refusals.iter().find(|(code, _)| *code == refusal.code);
        // What else no form of ours can send.
        let text = text.or(self.refusals.last()).map_or("", |(_, text)| text);
        text.replace("{limit}", &refusal.limit.map_or_else(String::new, |limit| limit.to_string()))
    }

    /// Heading and text when nothing can be answered.
    pub fn shut(&self, why: &str) -> (&'static str, &'static str) {
        let found = self.shut.iter().find(|(code, ..)| *code == why).unwrap_or(&self.shut[0]);
        (found.1, found.2)
    }
}

#[cfg(test)]
mod tests {
    use rapport_feedback::survey::read::REFUSALS;

    use super::*;

    #[test]
    fn both_languages_say_the_same() {
        let codes = |words: &Words| words.refusals.iter().map(|(code, _)| *code).collect::<Vec<_>>();
        assert_eq!(codes(&ENGLISH), codes(&CHINESE));
        assert!(codes(&ENGLISH).iter().all(|code| REFUSALS.iter().any(|(known, _)| known == code)));
        for words in [&ENGLISH, &CHINESE] {
            assert!(words.refusals.iter().all(|(_, text)| !text.is_empty()));
            assert_eq!(words.shut("closed").0, words.shut[1].1);
            assert_eq!(words.shut("something else").0, words.shut[0].1);
        }
    }
}
