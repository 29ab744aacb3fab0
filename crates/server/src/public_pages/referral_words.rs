//! The words of the page that a friend sees first, in English and Chinese.

use axum::http::HeaderMap;

use super::complaint_words::wants_chinese;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// What the friend gets where the company says nothing of its own: before the points.
    pub gets: &'static str,
    /// Where the friend gets nothing that could be named.
    pub welcome: &'static str,
    /// Before the code.
    pub code: &'static str,
    /// Below it.
    pub code_hint: &'static str,
    /// The link to the shop.
    pub onward: &'static str,
    /// A heading.
    pub gone: &'static str,
    /// Below it.
    pub gone_hint: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    heading: "You are invited",
    gets: "You get",
    welcome: "Somebody who shops here thought of you.",
    code: "Your code",
    code_hint: "It goes along when you continue. Keep it in case you are asked for it.",
    onward: "Continue to the shop",
    gone: "This invitation does not count",
    gone_hint: "The code is not known, or the offer is over. Ask whoever gave it to you.",
};

const CHINESE: Words = Words {
    tag: "zh",
    heading: "您收到一份邀请",
    gets: "您将获得",
    welcome: "一位顾客想到了您。",
    code: "您的邀请码",
    code_hint: "继续前往时会自动带上。请保留，以备需要时使用。",
    onward: "前往商店",
    gone: "此邀请无效",
    gone_hint: "邀请码不存在或活动已结束。请向邀请您的人确认。",
};

impl Words {
    /// The words for a reader.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &CHINESE } else { &ENGLISH }
    }

    /// Whether they are Chinese.
    pub fn is_chinese(&self) -> bool {
        self.tag == CHINESE.tag
    }
}
