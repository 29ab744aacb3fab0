//! The words of a member's page, in English and Chinese.

use axum::http::HeaderMap;
use rapport_loyalty::ledger::{self, Kind};
use rapport_loyalty::rewards::Refusal;

use super::doings::Not;
use super::home_words::{self, HomeWords};
use crate::public_pages::complaint_words::wants_chinese;

/// The words of one language; `{}` stands for what is filled in.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// The other language: its tag, and its own name.
    pub other: (&'static str, &'static str),
    /// A heading for a reader who is not let in.
    pub gone: &'static str,
    /// Below it.
    pub gone_hint: &'static str,
    /// A heading.
    pub card: &'static str,
    /// Below it.
    pub card_hint: &'static str,
    /// Below a number.
    pub to_spend: &'static str,
    pending: &'static str,
    /// A note.
    pub held: &'static str,
    /// A note.
    pub owed: &'static str,
    /// A heading.
    pub lapses: &'static str,
    /// Heads a column.
    pub good_until: &'static str,
    /// Heads a column.
    pub points: &'static str,
    /// Instead of a day.
    pub never: &'static str,
    /// The last row.
    pub sum: &'static str,
    /// Of who has no tier.
    pub no_tier: &'static str,
    /// Below a tier.
    pub tier_until: &'static str,
    /// Before the next tier's name.
    pub next_tier: &'static str,
    missing: &'static str,
    /// Of the next tier.
    pub at_this_pace: &'static str,
    /// A heading.
    pub rewards: &'static str,
    /// Where there are none.
    pub no_rewards: &'static str,
    /// A button.
    pub redeem: &'static str,
    /// Beside a price.
    pub too_few: &'static str,
    /// A heading.
    pub redeemed: &'static str,
    /// A heading.
    pub codes: &'static str,
    /// Beside a code.
    pub use_until: &'static str,
    /// A button.
    pub cancel: &'static str,
    /// Beside it.
    pub cancel_until: &'static str,
    /// A heading.
    pub history: &'static str,
    /// Where nothing moved.
    pub no_history: &'static str,
    /// Heads a column.
    pub day: &'static str,
    /// Heads a column.
    pub what: &'static str,
    /// What a movement was for.
    pub order: &'static str,
    done: [(&'static str, &'static str); 2],
    states: [(&'static str, &'static str); 6],
    unpaid: &'static str,
    moves: [&'static str; 9],
    months: Option<[&'static str; 12]>,
    /// A refusal.
    pub too_often: &'static str,
    /// A refusal.
    pub nothing_done: &'static str,
    refusals: [&'static str; 6],
    /// Of gift cards that they redeemed.
    pub gift: GiftWords,
    /// Of what members do.
    pub doings: DoingWords,
    /// Of households.
    pub home: HomeWords,
}

/// Words about gift cards that are rewards.
pub struct GiftWords {
    /// What is on it, and how its code ends.
    pub left: &'static str,
    /// A button, where no code was told.
    pub code: &'static str,
    /// Beside it.
    pub hint: &'static str,
    /// A button, where one was.
    pub new_code: &'static str,
    /// Beside it.
    pub new_hint: &'static str,
    /// Above the page that shows a code.
    pub told: &'static str,
}

/// Words about what members do.
pub struct DoingWords {
    /// A heading.
    pub challenges: &'static str,
    /// How far they are.
    pub progress: &'static str,
    /// What a step gives.
    pub gives: &'static str,
    /// Of what is completed.
    pub done: &'static str,
    /// Of a streak.
    pub in_a_row: &'static str,
    /// Of a streak.
    pub lost_after: &'static str,
    /// Of a period.
    pub until: &'static str,
    /// A heading.
    pub badges: &'static str,
    /// Where they are.
    pub place: &'static str,
    /// Of who has nothing yet.
    pub no_place: &'static str,
    /// Before their name.
    pub shown_as: &'static str,
    /// Where nobody has anything.
    pub nobody: &'static str,
    /// Beside a field.
    pub name: &'static str,
    /// Below it.
    pub name_hint: &'static str,
    /// A button.
    pub join: &'static str,
    /// A button.
    pub rename: &'static str,
    /// A button.
    pub leave: &'static str,
    /// Heads a column.
    pub who: &'static str,
    /// Heads a column.
    pub much: &'static str,
    /// Beside their own row.
    pub you: &'static str,
    /// A heading.
    pub friends: &'static str,
    /// Before a link.
    pub your_link: &'static str,
    /// Before a code.
    pub or_code: &'static str,
    /// A button.
    pub get_link: &'static str,
    not: [&'static str; 3],
}

const ENGLISH: Words = Words {
    tag: "en",
    other: ("zh", "中文"),
    gone: "This link does not work any more.",
    gone_hint: "A link to your points works for an hour. Open your account in the shop and follow the link there again.",
    card: "Your card",
    card_hint: "Show it at the till. Whoever has a picture of it is taken for you: share it with nobody.",
    to_spend: "to spend",
    pending: "{} more can be spent from {day}.",
    held: "{} are set aside for what you redeemed.",
    owed: "{} are owed: what you earn next settles that first.",
    lapses: "How long they last",
    good_until: "Last day",
    points: "Points",
    never: "Do not lapse",
    sum: "All you have",
    no_tier: "No tier yet",
    tier_until: "Yours until {} at least.",
    next_tier: "Next:",
    missing: "Still missing: {} ({measure}).",
    at_this_pace: "At this pace you reach it on {}.",
    rewards: "Rewards",
    no_rewards: "There is nothing to redeem at the moment.",
    redeem: "Redeem",
    too_few: "{} more needed",
    redeemed: "What you redeemed",
    codes: "Your codes",
    use_until: "Last day: {}",
    cancel: "Call it off",
    cancel_until: "until {}",
    history: "What moved",
    no_history: "Nothing has moved yet.",
    day: "Day",
    what: "What for",
    order: "order {}",
    done: [
        ("redeemed", "It is yours. What to do with it stands below."),
        ("cancelled", "It is called off, and your points are back."),
    ],
    states: [
        ("requested", "On its way"),
        ("fulfilled", "Yours"),
        ("used", "Used"),
        ("failed", "Could not be delivered; your points are back"),
        ("cancelled", "Called off"),
        ("expired", "Not paid, delivered or used in time"),
    ],
    unpaid: "Waits for the payment",
    moves: [
        "Earned",
        "Redeemed",
        "Put right",
        "Transfer",
        "Given back",
        "Taken back",
        "Lapsed",
        "From your other account",
        "Changed",
    ],
    months: Some([
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]),
    too_often: "That was tried too often from here. Try again in an hour, please.",
    nothing_done: "Nothing was done. Choose on the page what you want.",
    refusals: [
        "That is more than you can spend.",
        "The price has changed. It is shown anew below; nothing was taken.",
        "None are left at the moment.",
        "You have had as many of these as one member may.",
        "This is not offered to you at the moment.",
        "That cannot be done now. Nothing was changed; ask us, please.",
    ],
    gift: GiftWords {
        left: "{} on the gift card {}",
        code: "Show its code",
        hint: "It is shown once. Write it down.",
        new_code: "Show a new code",
        new_hint: "The code before does not count any more.",
        told: "Here is the code of your gift card. It is shown this once: write it down.",
    },
    doings: DoingWords {
        challenges: "Challenges",
        progress: "{} of {}",
        gives: "Gives {}.",
        done: "Completed. Well done!",
        in_a_row: "{} in a row.",
        lost_after: "Goes on if you do it again by {}.",
        until: "Until {}.",
        badges: "Your badges",
        place: "You are on place {} of {}.",
        no_place: "You have nothing here yet.",
        shown_as: "Others see you as",
        nobody: "Nobody is on it yet.",
        name: "A name that others see",
        name_hint: "Not your own, if you like. You can leave at any time.",
        join: "Take part",
        rename: "Change the name",
        leave: "Leave",
        who: "Who",
        much: "How much",
        you: "you",
        friends: "Bring friends",
        your_link: "Your link:",
        or_code: "Or by its code:",
        get_link: "Get your link",
        not: [
            "Choose a name of 1 to 40 characters, no address or number: others read it.",
            "Somebody else here has that name. Choose another one, please.",
            "That is not open at the moment. Nothing was changed.",
        ],
    },
    home: home_words::ENGLISH,
};

const CHINESE: Words = Words {
    tag: "zh",
    other: ("en", "English"),
    gone: "此链接已失效。",
    gone_hint: "积分页面的链接一小时内有效。请在商店中打开您的账户，重新点击链接。",
    card: "您的会员卡",
    card_hint: "请在收银台出示。持有其照片的人会被当作您本人，请勿分享。",
    to_spend: "可用",
    pending: "另有 {} 自{day}起可用。",
    held: "{} 已为您的兑换预留。",
    owed: "欠 {}：之后获得的积分将先抵扣。",
    lapses: "有效期",
    good_until: "最后一天",
    points: "数量",
    never: "长期有效",
    sum: "合计",
    no_tier: "尚无等级",
    tier_until: "至少保留至{}。",
    next_tier: "下一等级：",
    missing: "还差 {}（{measure}）。",
    at_this_pace: "按目前的速度，将于{}达到。",
    rewards: "可兑换",
    no_rewards: "目前没有可兑换的内容。",
    redeem: "兑换",
    too_few: "还差 {}",
    redeemed: "已兑换",
    codes: "您的券码",
    use_until: "最后一天：{}",
    cancel: "取消兑换",
    cancel_until: "截至 {}",
    history: "明细",
    no_history: "还没有记录。",
    day: "日期",
    what: "事由",
    order: "订单 {}",
    done: [("redeemed", "兑换成功，用法见下。"), ("cancelled", "已取消，积分已退回。")],
    states: [
        ("requested", "处理中"),
        ("fulfilled", "已归您所有"),
        ("used", "已使用"),
        ("failed", "无法交付，积分已退回"),
        ("cancelled", "已取消"),
        ("expired", "未按时支付、交付或使用"),
    ],
    unpaid: "等待支付",
    moves: ["获得", "兑换", "更正", "转移", "退回", "收回", "过期", "来自您的另一账户", "变动"],
    months: None,
    too_often: "此处尝试过于频繁，请一小时后再试。",
    nothing_done: "未执行任何操作，请在页面上选择。",
    refusals: [
        "超出您的可用数量。",
        "价格已变动，新价格见下；未扣除任何积分。",
        "目前已无剩余。",
        "您已达到每位会员的上限。",
        "目前不向您提供此项。",
        "目前无法办理，未作任何更改，请联系我们。",
    ],
    gift: GiftWords {
        left: "礼品卡余额 {} {}",
        code: "显示卡码",
        hint: "仅显示一次，请记下。",
        new_code: "显示新卡码",
        new_hint: "之前的卡码将失效。",
        told: "这是您礼品卡的卡码，仅显示这一次，请记下。",
    },
    doings: DoingWords {
        challenges: "挑战",
        progress: "{} / {}",
        gives: "可获得 {}。",
        done: "已完成，太棒了！",
        in_a_row: "已连续 {} 次。",
        lost_after: "请在{}之前再次完成以保持连续。",
        until: "截至{}。",
        badges: "您的徽章",
        place: "您排第 {} 名，共 {} 人。",
        no_place: "您在此尚无成绩。",
        shown_as: "他人看到的名称：",
        nobody: "目前还没有人参加。",
        name: "供他人看到的名称",
        name_hint: "可以不用真名，随时可以退出。",
        join: "参加",
        rename: "更改名称",
        leave: "退出",
        who: "名称",
        much: "成绩",
        you: "您",
        friends: "邀请好友",
        your_link: "您的链接：",
        or_code: "或使用代码：",
        get_link: "获取您的链接",
        not: [
            "请选择 1 到 40 个字符的名称，不能是地址或号码，因为他人会看到。",
            "此处已有人使用该名称，请换一个。",
            "目前未开放，未作任何更改。",
        ],
    },
    home: home_words::CHINESE,
};

impl Words {
    /// The words for a reader.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &CHINESE } else { &ENGLISH }
    }

    /// A text with something in its place.
    pub fn filled(text: &str, with: &str) -> String {
        text.replacen("{}", with, 1)
    }

    /// A civil day.
    pub fn date(&self, year: i16, month: i8, day: i8) -> String {
        let name = self.months.and_then(|months| months.get(usize::try_from(month - 1).ok()?).copied());
        name.map_or_else(|| format!("{year}年{month}月{day}日"), |name| format!("{day} {name} {year}"))
    }

    /// So many, to be spent from a day on.
    pub fn pending(&self, amount: &str, day: &str) -> String {
        Self::filled(&self.pending.replacen("{day}", day, 1), amount)
    }

    /// What is missing of something.
    pub fn missing(&self, amount: &str, measure: &str) -> String {
        // The name last: whatever it is, nothing is filled into it.
        Self::filled(self.missing, amount).replacen("{measure}", measure, 1)
    }

    /// What was just done, if it is something that we say.
    pub fn done(&self, key: &str) -> Option<&'static str> {
        self.done.iter().find(|it| it.0 == key).map(|it| it.1)
    }

    /// A text with two things in their places, the first first.
    pub fn two(&self, text: &str, first: &str, second: &str) -> String {
        let (before, rest) = text.split_once("{}").unwrap_or((text, ""));
        format!("{before}{first}{}", Self::filled(rest, second))
    }

    /// Why something that members do was not done.
    pub const fn doing(&self, why: Not) -> &'static str {
        let place = match why {
            Not::Name => 0,
            Not::Taken => 1,
            Not::Open => 2,
        };
        self.doings.not[place]
    }

    /// How a redemption stands.
    pub fn state(&self, key: &str, is_unpaid: bool) -> &'static str {
        if is_unpaid && key == "requested" {
            return self.unpaid;
        }
        self.states.iter().find(|it| it.0 == key).map_or("", |it| it.1)
    }

    /// What a movement is.
    pub const fn movement(&self, kind: Kind, change: i64) -> &'static str {
        let place = match kind {
            Kind::Earn => 0,
            Kind::Spend | Kind::Capture => 1,
            Kind::Adjust => 2,
            Kind::Transfer => 3,
            Kind::Reverse if change > 0 => 4,
            Kind::Reverse => 5,
            Kind::Expire | Kind::Forfeit => 6,
            Kind::Merge => 7,
            Kind::Hold | Kind::Release | Kind::Extend | Kind::Activate | Kind::TimeOut => 8,
        };
        self.moves[place]
    }

    /// Why something is not done, as far as it helps a member.
    pub const fn refusal(&self, refusal: Refusal) -> &'static str {
        let place = match refusal {
            Refusal::Household(why) => return self.home.refusal(why),
            Refusal::Ledger(ledger::Refusal::InsufficientPoints) => 0,
            Refusal::PriceChanged => 1,
            Refusal::OutOfStock | Refusal::SoldOutForNow | Refusal::NoCode => 2,
            Refusal::LimitReached => 3,
            Refusal::NotOffered | Refusal::NotEntitled | Refusal::NoPrice | Refusal::RewardUnknown => 4,
            _ => 5,
        };
        self.refusals[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_sentences_are_read_in_both_languages() {
        assert_eq!(ENGLISH.date(2026, 12, 31), "31 December 2026");
        assert_eq!(CHINESE.date(2026, 1, 2), "2026年1月2日");
        assert_eq!(ENGLISH.pending("7", "1 May 2027"), "7 more can be spent from 1 May 2027.");
        assert_eq!(ENGLISH.missing("120", "{} <b>"), "Still missing: 120 ({} <b>).");
    }

    #[test]
    fn every_place_is_filled_in() {
        for words in [&ENGLISH, &CHINESE] {
            for text in [words.held, words.owed, words.tier_until, words.at_this_pace, words.too_few, words.order] {
                assert_eq!(text.matches("{}").count(), 1, "{text}");
            }
            let doings = &words.doings;
            for text in [doings.gives, doings.in_a_row, doings.lost_after, doings.until] {
                assert_eq!(text.matches("{}").count(), 1, "{text}");
            }
            assert_eq!([doings.progress, doings.place].map(|text| text.matches("{}").count()), [2, 2]);
            assert!(words.pending.contains("{day}") && words.missing.contains("{measure}"));
        }
    }
}
