//! The words about points that members send each other, in English and Chinese.

use rapport_loyalty::ledger;
use rapport_loyalty::rewards;
use rapport_loyalty::transfers::Refusal;

use super::words::Words;

/// The words of one language; `{}` stands for what is filled in.
pub struct SendingWords {
    /// A heading.
    pub title: &'static str,
    /// Before the number that others send to.
    pub your_number: &'static str,
    /// Of somebody who joined lately.
    pub sends_from: &'static str,
    /// How many at once.
    pub from_to: &'static str,
    /// How many at once, without an end.
    pub at_least: &'static str,
    /// A limit of the year.
    pub left_this_year: &'static str,
    /// A limit of the year.
    pub times_this_year: &'static str,
    /// A limit of whoever gets them.
    pub gets_per_year: &'static str,
    /// When they lapse.
    pub lapse_kept: &'static str,
    /// When they lapse.
    pub lapse_anew: &'static str,
    /// A heading.
    pub to_member: &'static str,
    /// Beside a field.
    pub number: &'static str,
    /// Beside a field.
    pub how_many: &'static str,
    /// Beside a list.
    pub wallet: &'static str,
    /// A button: it is shown first.
    pub go_on: &'static str,
    /// A heading.
    pub as_gift: &'static str,
    /// Below it.
    pub gift_hint: &'static str,
    /// A heading.
    pub waiting: &'static str,
    /// Beside a code.
    pub waits_until: &'static str,
    /// A button.
    pub call_back: &'static str,
    /// A heading.
    pub claim: &'static str,
    /// Beside a field.
    pub code: &'static str,
    /// What is asked before.
    pub send_question: &'static str,
    /// What is asked before.
    pub gift_question: &'static str,
    /// What is asked before.
    pub claim_question: &'static str,
    /// Below it.
    pub claim_note: &'static str,
    /// Below it: what they have, and what is left.
    pub has_and_left: &'static str,
    /// Below it.
    pub is_final: &'static str,
    /// Below it.
    pub gift_waits: &'static str,
    /// A button.
    pub sure: &'static str,
    /// A link.
    pub back: &'static str,
    done: [(&'static str, &'static str); 4],
    refusals: [&'static str; 16],
}

const ENGLISH: SendingWords = SendingWords {
    title: "Send points",
    your_number: "Your number, for others who send to you:",
    sends_from: "You can send from {} on.",
    from_to: "From {} to {} at once.",
    at_least: "At least {} at once.",
    left_this_year: "You can send {} more this year.",
    times_this_year: "You can send {} more times this year.",
    gets_per_year: "Nobody gets more than {} a year.",
    lapse_kept: "They last as long as they would have lasted with you.",
    lapse_anew: "They last as if they were earned on the day on which they arrive.",
    to_member: "To another member",
    number: "Their number",
    how_many: "How many",
    wallet: "From",
    go_on: "Continue",
    as_gift: "As a gift",
    gift_hint: "You get a code. Whoever you give it to claims the points on their own page.",
    waiting: "Gifts that wait",
    waits_until: "Can be claimed until {}.",
    call_back: "Call back",
    claim: "Claim a gift",
    code: "The code that you were given",
    send_question: "Send {} to the member with the number {}?",
    gift_question: "Make a gift of {}?",
    claim_question: "Claim this gift of {}?",
    claim_note: "It can be claimed once.",
    has_and_left: "You have {}, and {} are left.",
    is_final: "They arrive at once, and you cannot take them back.",
    gift_waits: "It can be claimed until {}, and until then you can call it back. If nobody does, the points are yours again.",
    sure: "Yes",
    back: "No, back to my page",
    done: [
        ("sent", "The points have arrived."),
        ("gift", "The gift is ready. Its code is below: give it to whoever shall have it."),
        ("claimed", "The gift is yours."),
        ("called_back", "The gift was called back, and the points are yours again."),
    ],
    refusals: [
        "Points cannot be sent at the moment.",
        "You cannot send or get points at the moment; ask us, please.",
        "You have not been a member for long enough to send points.",
        "No member has this number. Look at it again.",
        "This member cannot get points at the moment.",
        "That is fewer than can be sent at once.",
        "That is more than can be sent at once.",
        "That is more than you can send this year.",
        "That is more than they can get this year.",
        "You have sent points as often as one can this year.",
        "That is no code of a gift: a character is wrong. Look at it again.",
        "No gift has this code.",
        "Somebody has claimed this gift already.",
        "This gift was called back.",
        "Nobody claimed this gift in time; its points went back.",
        "That is your own number.",
    ],
};

const CHINESE: SendingWords = SendingWords {
    title: "赠送积分",
    your_number: "您的会员号，供他人向您赠送：",
    sends_from: "您自{}起可以赠送。",
    from_to: "每次 {} 至 {}。",
    at_least: "每次至少 {}。",
    left_this_year: "今年还可赠送 {}。",
    times_this_year: "今年还可赠送 {} 次。",
    gets_per_year: "每人每年最多获赠 {}。",
    lapse_kept: "有效期与在您账户中时相同。",
    lapse_anew: "有效期自到账之日起重新计算。",
    to_member: "赠送给其他会员",
    number: "对方的会员号",
    how_many: "数量",
    wallet: "来自",
    go_on: "继续",
    as_gift: "制作礼品码",
    gift_hint: "您会得到一个代码，收到代码的人可在自己的页面领取。",
    waiting: "待领取的礼品",
    waits_until: "领取截至{}。",
    call_back: "收回",
    claim: "领取礼品",
    code: "您收到的代码",
    send_question: "将 {} 赠送给会员号 {} 的会员？",
    gift_question: "制作一份 {} 的礼品？",
    claim_question: "领取这份 {} 的礼品？",
    claim_note: "只能领取一次。",
    has_and_left: "您现有 {}，之后剩余 {}。",
    is_final: "积分立即到账，您无法收回。",
    gift_waits: "领取截至{}，在此之前您可以收回。若无人领取，积分将退回给您。",
    sure: "确认",
    back: "不，返回我的页面",
    done: [
        ("sent", "积分已送达。"),
        ("gift", "礼品已备好，代码见下，请交给受赠人。"),
        ("claimed", "礼品已归您所有。"),
        ("called_back", "礼品已收回，积分已退回给您。"),
    ],
    refusals: [
        "目前无法赠送积分。",
        "您的账户目前无法赠送或接收积分，请联系我们。",
        "您加入的时间尚短，暂时不能赠送积分。",
        "没有会员使用此会员号，请核对。",
        "该会员目前无法接收积分。",
        "少于每次可赠送的数量。",
        "超出每次可赠送的数量。",
        "超出您今年可赠送的数量。",
        "超出对方今年可获赠的数量。",
        "您今年的赠送次数已用完。",
        "这不是礼品代码：有字符不正确，请核对。",
        "没有礼品使用此代码。",
        "此礼品已被他人领取。",
        "此礼品已被收回。",
        "此礼品未按时领取，积分已退回。",
        "这是您自己的会员号。",
    ],
};

impl SendingWords {
    /// The words of a language, by the page's tag.
    pub fn of(tag: &str) -> &'static Self {
        if tag == "zh" { &CHINESE } else { &ENGLISH }
    }

    /// A text with two things in their places, the first first.
    pub fn two(&self, text: &str, first: &str, second: &str) -> String {
        let (before, rest) = text.split_once("{}").unwrap_or((text, ""));
        format!("{before}{first}{}", Words::filled(rest, second))
    }

    /// What was just done, if it is something that we say.
    pub fn done(&self, key: &str) -> Option<&'static str> {
        self.done.iter().find(|it| it.0 == key).map(|it| it.1)
    }

    /// Why something is not done, as far as it helps a member.
    pub const fn refusal(&self, page: &Words, refusal: Refusal) -> &'static str {
        let place = match refusal {
            Refusal::Off | Refusal::GiftsOff => 0,
            Refusal::MemberUnknown | Refusal::MemberClosed | Refusal::MemberBlocked => 1,
            Refusal::MemberTooNew => 2,
            Refusal::ReceiverUnknown => 3,
            Refusal::ReceiverClosed | Refusal::ReceiverBlocked => 4,
            Refusal::BelowLeast => 5,
            Refusal::AboveMost => 6,
            Refusal::OutLimit => 7,
            Refusal::InLimit => 8,
            Refusal::TooOften => 9,
            Refusal::CodeMistyped => 10,
            Refusal::CodeUnknown => 11,
            Refusal::Claimed => 12,
            Refusal::Cancelled => 13,
            Refusal::TimedOut => 14,
            Refusal::Ledger(ledger::Refusal::TransferToSelf) => 15,
            Refusal::Ledger(ledger::Refusal::AmountZero | ledger::Refusal::AmountNegative) => 5,
            Refusal::Ledger(it) => return page.refusal(rewards::Refusal::Ledger(it)),
            // Members undo nothing: only staff need anybody's approval.
            Refusal::IdReused | Refusal::Unknown | Refusal::NotNow | Refusal::NeedsApproval => {
                return page.refusal(rewards::Refusal::NotNow);
            }
        };
        self.refusals[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled_in() {
        for words in [&ENGLISH, &CHINESE] {
            let once = [
                words.sends_from,
                words.at_least,
                words.left_this_year,
                words.times_this_year,
                words.gets_per_year,
                words.waits_until,
                words.gift_question,
                words.claim_question,
                words.gift_waits,
            ];
            assert!(once.iter().all(|text| text.matches("{}").count() == 1));
            let twice = [words.from_to, words.send_question, words.has_and_left];
            assert!(twice.iter().all(|text| text.matches("{}").count() == 2));
        }
        assert_eq!(ENGLISH.two("{} of {}", "{}", "2"), "{} of 2");
    }
}
