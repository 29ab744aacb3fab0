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
    /// A message: what came was not the whole form.
    pub unchanged: &'static str,
    /// A message: some of it is to be confirmed.
    pub to_confirm: &'static str,
    /// A message: the company answers.
    pub asked: &'static str,
    /// A message: a mail is on its way.
    pub mailed: &'static str,
    /// What the page behind the mail's link does.
    pub see_hint: &'static str,
    /// A button.
    pub see_now: &'static str,
    /// What is deleted and what stays.
    pub erase_hint: &'static str,
    /// What is ticked.
    pub erase_sure: &'static str,
    /// When it was not ticked.
    pub erase_unsure: &'static str,
    /// A button.
    pub erase_now: &'static str,
    /// Heading when it is done.
    pub erased: &'static str,
    /// What that means.
    pub erased_hint: &'static str,
    /// Heading of a link that does not work any more.
    pub proof_gone: &'static str,
    /// Why, and what to do.
    pub proof_gone_hint: &'static str,
    confirm_subjects: [&'static str; 2],
    confirm_texts: [&'static str; 2],
    confirm_end: &'static str,
    proof_subjects: [&'static str; 2],
    proof_texts: [&'static str; 2],
    /// Heading of the page that asks before it unsubscribes.
    pub unsubscribe: &'static str,
    /// What one would not get any more.
    pub unsubscribe_from: &'static str,
    /// All that a channel brings and consent can stop.
    pub everything: &'static str,
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
    leave: "Unsubscribe from everything",
    leave_hint: "You will still hear about your orders and your account.",
    data: "Your data",
    data_hint: "We check first that it is you.",
    see: "See my data",
    delete: "Delete my data",
    saved: "Saved. It holds at once.",
    unchanged: "Nothing was changed: your choices did not arrive whole. Please save again.",
    to_confirm: "Saved. Some of it begins when you confirm it, by the link in the mail that you get.",
    asked: "We have your request. Somebody will check that it is you, and answer within a month.",
    mailed: "We have sent you a mail with a link. It works once, within three hours. If none comes, we will answer within a month.",
    see_hint: "You will see everything that we keep of you, and can keep a copy. The link works for a quarter of an hour then.",
    see_now: "Show my data",
    erase_hint: "Everything that we keep of you is deleted, everywhere, for good. What you bought stays in our books without your name, as the law demands. You will get no messages, points and benefits are lost.",
    erase_sure: "Yes, delete all of it. I know that it cannot be undone.",
    erase_unsure: "Tick the box if you are sure.",
    erase_now: "Delete for good",
    erased: "Your data is deleted",
    erased_hint: "We know nothing of you any more. Encrypted records of the last days follow within eight days.",
    proof_gone: "This link does not work any more",
    proof_gone_hint: "It works once, within three hours. Ask again on the page of your choices; its address is at the end of every mail.",
    confirm_subjects: ["Please confirm: {company}", "Reminder, please confirm: {company}"],
    confirm_texts: [
        "Somebody, you we hope, asked {company} to write to this address. It begins only when you confirm it:\n\n",
        "Some days ago somebody, you we hope, asked {company} to write to this address. It begins only when you confirm it:\n\n",
    ],
    confirm_end: "If it was not you, do nothing: you will get none of it.\n",
    proof_subjects: ["See your data at {company}", "Delete your data at {company}"],
    proof_texts: [
        "Somebody, you we hope, asked to see what {company} keeps of you.\n\nOpen this page to see it. The link works once, within three hours; do not pass it on:\n\n{url}\n\nIf it was not you, do nothing: nobody has seen anything.\n",
        "Somebody, you we hope, asked that {company} deletes everything it keeps of you.\n\nOpen this page to delete it for good. The link works once, within three hours; do not pass it on:\n\n{url}\n\nIf it was not you, do nothing: nothing is deleted.\n",
    ],
    unsubscribe: "Unsubscribe",
    unsubscribe_from: "You would not get this any more:",
    everything: "All news and offers",
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
    data_hint: "我们会先核实是您本人。",
    see: "查看我的数据",
    delete: "删除我的数据",
    saved: "已保存，立即生效。",
    unchanged: "未作任何更改：您的选择未完整送达，请重新保存。",
    to_confirm: "已保存。部分内容需要您点击邮件中的链接确认后才会生效。",
    asked: "我们已收到您的请求，将由工作人员核实身份，并在一个月内答复。",
    mailed: "我们已向您发送一封含有链接的邮件。链接三小时内有效，仅限使用一次。如未收到，我们将在一个月内答复。",
    see_hint: "您将看到我们保存的与您有关的全部数据，并可保存副本。打开后链接在一刻钟内仍然有效。",
    see_now: "显示我的数据",
    erase_hint: "我们保存的与您有关的全部数据将被永久删除。依照法律，购买记录会保留在账目中，但不含您的姓名。您将不再收到任何消息，积分和权益也将失效。",
    erase_sure: "是的，全部删除。我知道此操作无法撤销。",
    erase_unsure: "如果确定，请勾选此框。",
    erase_now: "永久删除",
    erased: "您的数据已删除",
    erased_hint: "我们不再保存与您有关的任何信息。最近几天的加密记录将在八天内清除。",
    proof_gone: "此链接已失效",
    proof_gone_hint: "链接三小时内有效，仅限使用一次。请在您的偏好页面重新申请，其地址在每封邮件的末尾。",
    confirm_subjects: ["请确认：{company}", "提醒，请确认：{company}"],
    confirm_texts: [
        "有人（希望是您本人）请 {company} 向此地址发送消息。您确认后才会开始：\n\n",
        "几天前有人（希望是您本人）请 {company} 向此地址发送消息。您确认后才会开始：\n\n",
    ],
    confirm_end: "如果不是您本人，请忽略此邮件：您不会收到任何内容。\n",
    proof_subjects: ["查看您在 {company} 的数据", "删除您在 {company} 的数据"],
    proof_texts: [
        "有人（希望是您本人）申请查看 {company} 保存的与您有关的数据。\n\n请打开以下页面查看。链接三小时内有效，仅限使用一次，请勿转发：\n\n{url}\n\n如果不是您本人，请忽略此邮件：没有人看到任何数据。\n",
        "有人（希望是您本人）申请删除 {company} 保存的与您有关的全部数据。\n\n请打开以下页面永久删除。链接三小时内有效，仅限使用一次，请勿转发：\n\n{url}\n\n如果不是您本人，请忽略此邮件：不会删除任何数据。\n",
    ],
    unsubscribe: "退订",
    unsubscribe_from: "您将不再收到：",
    everything: "全部资讯和优惠",
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
        Self::tagged(if is_chinese { "zh" } else { "en" })
    }

    /// Those of a language that was kept.
    pub fn tagged(tag: &str) -> &'static Self {
        if tag.starts_with("zh") { &CHINESE } else { &ENGLISH }
    }

    /// Subject and text of the mail that asks whether it was its reader who asked for their data (`access`) or to be erased.
    pub fn proof_mail(&self, kind: &str, company: &str, url: &str) -> (String, String) {
        let place = usize::from(kind != crate::own_data::ACCESS);
        // The address last: a company may be called anything.
        let fill = |text: &str| text.replacen("{company}", company, 1);
        let (before, after) = self.proof_texts[place].split_once("{url}").unwrap_or_default();
        (fill(self.proof_subjects[place]), format!("{}{url}{after}", fill(before)))
    }

    /// Subject and text of the mail that asks to confirm what was asked for: names with their addresses. The first one, or the reminder.
    pub fn confirmation_mail(&self, company: &str, asked: &[(String, String)], is_reminder: bool) -> (String, String) {
        let place = usize::from(is_reminder);
        let fill = |text: &str| text.replacen("{company}", company, 1);
        let list: String = asked.iter().map(|(name, url)| format!("{name}\n{url}\n\n")).collect();
        let text = format!("{}{list}{}", fill(self.confirm_texts[place]), self.confirm_end);
        (fill(self.confirm_subjects[place]), text)
    }

    /// What a channel is called.
    pub fn channel(&self, channel: Channel) -> &'static str {
        let place = Channel::ALL.iter().position(|other| *other == channel).unwrap_or_default();
        self.channels[place]
    }
}
