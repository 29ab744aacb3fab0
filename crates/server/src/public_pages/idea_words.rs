//! The words of the ideas box, in English and Chinese.

use axum::http::HeaderMap;
use rapport_feedback::ideas::State;

use super::complaint_words::wants_chinese;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// What stands below it where the company says nothing of its own.
    pub hint: &'static str,
    /// A heading.
    pub propose: &'static str,
    /// A label.
    pub title: &'static str,
    /// A label.
    pub text: &'static str,
    /// Beside what can be left out.
    pub optional: &'static str,
    /// A field that nobody fills in.
    pub leave_empty: &'static str,
    /// A button.
    pub send: &'static str,
    /// A button, where others look like it.
    pub send_anyway: &'static str,
    /// A button.
    pub vote: &'static str,
    /// A button.
    pub unvote: &'static str,
    /// Behind a number.
    pub votes: &'static str,
    /// Before what the company says.
    pub answer: &'static str,
    /// Where there are none.
    pub none: &'static str,
    /// A heading.
    pub gone: &'static str,
    /// Below it.
    pub gone_hint: &'static str,
    /// A message: what was sent.
    sent: [(&'static str, &'static str); 4],
    /// A refusal.
    pub no_title: &'static str,
    /// A refusal.
    pub too_long: &'static str,
    /// A question.
    pub alike: &'static str,
    /// A refusal.
    pub too_often: &'static str,
    states: [(State, &'static str); 3],
}

const ENGLISH: Words = Words {
    tag: "en",
    heading: "What should be better?",
    hint: "Vote for what you want, or propose something of your own.",
    propose: "Propose something",
    title: "Your idea, in a few words",
    text: "More of it",
    optional: "optional",
    leave_empty: "Leave this empty",
    send: "Propose",
    send_anyway: "It is none of these: propose it",
    vote: "I want this",
    unvote: "No longer",
    votes: "want it",
    answer: "Our answer",
    none: "Nobody has proposed anything yet.",
    gone: "There is nothing here.",
    gone_hint: "The address is not whole, or no longer used.",
    sent: [
        ("vote", "Thank you. Your vote counts."),
        ("back", "Your vote is taken back."),
        ("waits", "Thank you. Others see it when somebody of us has."),
        ("idea", "Thank you. Others can vote for it now."),
    ],
    no_title: "Say in a few words what you want.",
    too_long: "This is too long: 120 letters for the idea itself, 2,000 for more about it.",
    alike: "Is it one of these? Then vote for it.",
    too_often: "This was sent too often from here. Try again in an hour, please.",
    states: [(State::Planned, "Planned"), (State::Done, "Done"), (State::Declined, "Declined")],
};

const CHINESE: Words = Words {
    tag: "zh",
    heading: "哪里可以更好？",
    hint: "请为您想要的投票，或提出自己的想法。",
    propose: "提出想法",
    title: "用几个词说明您的想法",
    text: "详细说明",
    optional: "选填",
    leave_empty: "请留空",
    send: "提交",
    send_anyway: "都不是，仍要提交",
    vote: "我想要",
    unvote: "不再想要",
    votes: "人想要",
    answer: "我们的答复",
    none: "还没有人提出想法。",
    gone: "这里没有内容。",
    gone_hint: "地址不完整，或已停用。",
    sent: [
        ("vote", "谢谢，您的投票已计入。"),
        ("back", "您的投票已撤回。"),
        ("waits", "谢谢。经我们查看后，其他人即可看到。"),
        ("idea", "谢谢。其他人现在可以为它投票。"),
    ],
    no_title: "请用几个词说明您想要什么。",
    too_long: "太长了：想法本身最多 120 字，补充说明最多 2,000 字。",
    alike: "是以下之一吗？那就为它投票吧。",
    too_often: "此处提交过于频繁，请一小时后再试。",
    states: [(State::Planned, "计划中"), (State::Done, "已完成"), (State::Declined, "不采纳")],
};

impl Words {
    /// The words for a reader.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &CHINESE } else { &ENGLISH }
    }

    /// What is said of a state; nothing of what is just open.
    pub fn state(&self, state: State) -> Option<&'static str> {
        self.states.iter().find(|it| it.0 == state).map(|it| it.1)
    }

    /// What is said after something was sent.
    pub fn sent(&self, what: &str) -> &'static str {
        self.sent.iter().find(|it| it.0 == what).unwrap_or(&self.sent[0]).1
    }
}
