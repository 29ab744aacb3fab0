//! The words of the preference centre, in English and Chinese.

use axum::http::HeaderMap;
use rapport_domain::Channel;

use super::words::prefers_chinese;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Before the address.
    pub messages_to: &'static str,
    /// Heading of the choices.
    pub choose: &'static str,
    /// Heading of how often.
    pub how_often: &'static str,
    /// Every message, one a week, one a month.
    pub frequencies: [&'static str; 3],
    /// Heading of the language.
    pub language: &'static str,
    /// A button.
    pub save: &'static str,
    /// A button.
    pub leave: &'static str,
    /// What it does.
    pub leave_hint: &'static str,
    /// Heading of one's data.
    pub data: &'static str,
    /// What happens then.
    pub data_hint: &'static str,
    /// A button.
    pub see: &'static str,
    /// A button.
    pub delete: &'static str,
    /// A message.
    pub saved: &'static str,
    /// A message.
    pub asked: &'static str,
    /// Heading of the page that asks before it unsubscribes.
    pub unsubscribe: &'static str,
    /// What one would not get any more.
    pub unsubscribe_from: &'static str,
    /// Heading when it is done.
    pub unsubscribed: &'static str,
    /// The way to all choices.
    pub all_choices: &'static str,
    /// Heading of the page that asks to confirm.
    pub confirm: &'static str,
    /// What is confirmed.
    pub confirm_hint: &'static str,
    /// Heading when it is done.
    pub confirmed: &'static str,
    /// Heading of a link that leads nowhere.
    pub gone: &'static str,
    /// Why.
    pub gone_hint: &'static str,
    channels: [&'static str; 8],
}

const ENGLISH: Words = Words {
    tag: "en",
    title: "What you hear from us",
    messages_to: "For",
    choose: "I would like",
    how_often: "How often",
    frequencies: ["Every message", "At most one a week", "At most one a month"],
    language: "Language",
    save: "Save",
    leave: "Nothing at all",
    leave_hint: "You will still hear about your orders and your account.",
    data: "Your data",
    data_hint: "We check that it is you and answer within a month.",
    see: "See my data",
    delete: "Delete my data",
    saved: "Saved. It holds at once.",
    asked: "We have your request and will answer within a month.",
    unsubscribe: "Unsubscribe",
    unsubscribe_from: "You would not get this any more:",
    unsubscribed: "You are unsubscribed",
    all_choices: "All choices",
    confirm: "Confirm",
    confirm_hint: "You asked for this. With one click you agree to get it:",
    confirmed: "Thank you, you will get it",
    gone: "This link leads nowhere",
    gone_hint: "It may be cut off, or we know nobody by it any more.",
    channels: [
        "E-mail",
        "Text messages",
        "WhatsApp",
        "Notifications",
        "On the site",
        "Calls",
        "Letters",
        "Advertising",
    ],
};

const CHINESE: Words = Words {
    tag: "zh-CN",
    title: "您希望收到的消息",
    messages_to: "收件人",
    choose: "我想收到",
    how_often: "频率",
    frequencies: ["每一条消息", "每周最多一条", "每月最多一条"],
    language: "语言",
    save: "保存",
    leave: "全部退订",
    leave_hint: "您仍会收到与订单和账户有关的通知。",
    data: "您的数据",
    data_hint: "我们会先核实身份，并在一个月内答复。",
    see: "查看我的数据",
    delete: "删除我的数据",
    saved: "已保存，立即生效。",
    asked: "我们已收到您的请求，将在一个月内答复。",
    unsubscribe: "退订",
    unsubscribe_from: "您将不再收到：",
    unsubscribed: "已退订",
    all_choices: "全部选项",
    confirm: "确认",
    confirm_hint: "您申请了以下内容，点击即表示同意接收：",
    confirmed: "谢谢，您将会收到",
    gone: "此链接无效",
    gone_hint: "链接可能不完整，或我们已没有与之对应的信息。",
    channels: ["电子邮件", "短信", "WhatsApp", "推送通知", "站内消息", "电话", "信件", "广告"],
};

impl Words {
    /// The languages there are: tag and own name.
    pub const LANGUAGES: [(&'static str, &'static str); 2] = [("en", "English"), ("zh", "中文")];

    /// The language that somebody chose, else the one their browser prefers.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        let is_chinese = chosen.map_or_else(|| prefers_chinese(headers), |tag| tag.starts_with("zh"));
        if is_chinese { &CHINESE } else { &ENGLISH }
    }

    /// What a channel is called.
    pub fn channel(&self, channel: Channel) -> &'static str {
        let place = Channel::ALL.iter().position(|other| *other == channel).unwrap_or_default();
        self.channels[place]
    }
}
