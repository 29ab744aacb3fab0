//! The words of the page on which people complain, in English and Chinese.

use axum::http::{HeaderMap, header};

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// What stands below it where the company says nothing of its own.
    pub hint: &'static str,
    /// A label.
    pub text: &'static str,
    /// A label.
    pub category: &'static str,
    /// The choice of none.
    pub no_category: &'static str,
    /// A label.
    pub order: &'static str,
    /// A label.
    pub email: &'static str,
    /// Below it.
    pub email_hint: &'static str,
    /// Beside what can be left out.
    pub optional: &'static str,
    /// A field that nobody fills in.
    pub leave_empty: &'static str,
    /// A button.
    pub send: &'static str,
    /// A heading afterwards.
    pub thanks: &'static str,
    /// Below it.
    pub thanks_hint: &'static str,
    /// A heading.
    pub shut: &'static str,
    /// Below it.
    pub shut_hint: &'static str,
    /// A heading.
    pub gone: &'static str,
    /// Below it.
    pub gone_hint: &'static str,
    /// A refusal.
    pub no_text: &'static str,
    /// A refusal.
    pub too_long: &'static str,
    /// A refusal.
    pub no_address: &'static str,
    /// A refusal.
    pub too_often: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    heading: "What went wrong?",
    hint: "Tell us what happened. A person reads it.",
    text: "What happened?",
    category: "What is it about?",
    no_category: "I cannot say",
    order: "Order number",
    email: "Your e-mail address",
    email_hint: "Only so that we can answer you.",
    optional: "optional",
    leave_empty: "Leave this empty",
    send: "Send",
    thanks: "Thank you. We have it.",
    thanks_hint: "Somebody looks into it. If you left an address, you hear from us.",
    shut: "This page takes nothing at the moment.",
    shut_hint: "Write to us by another way, please.",
    gone: "There is nothing here.",
    gone_hint: "The address is not whole, or no longer used.",
    no_text: "Say what happened, so that we can look into it.",
    too_long: "This is longer than 10,000 letters. Shorten it, please, or send it in two parts.",
    no_address: "This is no e-mail address. Correct it, or leave it empty.",
    too_often: "This was sent too often from here. Try again in an hour, please.",
};

const CHINESE: Words = Words {
    tag: "zh",
    heading: "出了什么问题？",
    hint: "请告诉我们发生了什么，会有专人阅读。",
    text: "发生了什么？",
    category: "关于什么？",
    no_category: "说不清",
    order: "订单号",
    email: "您的邮箱",
    email_hint: "仅用于回复您。",
    optional: "选填",
    leave_empty: "请留空",
    send: "提交",
    thanks: "谢谢，我们已收到。",
    thanks_hint: "会有人处理。若您留下了邮箱，我们会回复您。",
    shut: "此页面目前不接收内容。",
    shut_hint: "请通过其他方式联系我们。",
    gone: "这里没有内容。",
    gone_hint: "地址不完整，或已停用。",
    no_text: "请说明发生了什么，以便我们处理。",
    too_long: "超过 10,000 字。请缩短，或分两次发送。",
    no_address: "这不是邮箱地址，请更正或留空。",
    too_often: "此处提交过于频繁，请一小时后再试。",
};

/// Whether a reader wants Chinese: by their choice, else by what their browser says comes first.
pub(super) fn wants_chinese(headers: &HeaderMap, chosen: Option<&str>) -> bool {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = chosen.unwrap_or_else(|| accepted.split([',', ';']).next().unwrap_or_default());
    first.trim().to_ascii_lowercase().starts_with("zh")
}

impl Words {
    /// The words for a reader.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &CHINESE } else { &ENGLISH }
    }
}
