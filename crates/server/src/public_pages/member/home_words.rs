//! The words of a member's page about households.

use rapport_loyalty::households::Refusal;

/// The words of one language; `{}` stands for what is filled in.
pub struct HomeWords {
    /// A heading.
    pub title: &'static str,
    /// Below it.
    pub hint: &'static str,
    /// Before what all have.
    pub together: &'static str,
    /// Beside whoever leads it.
    pub head: &'static str,
    /// Of a household whose name was forgotten, and of somebody like that.
    pub nameless: &'static str,
    /// A button.
    pub remove: &'static str,
    /// A heading.
    pub uses: &'static str,
    /// Whoever used how many of their points.
    pub used_yours: &'static str,
    /// How many points they used of somebody.
    pub used_theirs: &'static str,
    /// Of what went back.
    pub back: &'static str,
    /// Beside a field.
    pub limit: &'static str,
    /// Below it.
    pub limit_hint: &'static str,
    /// A button.
    pub save: &'static str,
    /// Beside a field.
    pub number: &'static str,
    /// A button.
    pub invite: &'static str,
    /// Of whoever is invited.
    pub invited_until: &'static str,
    /// A button.
    pub withdraw: &'static str,
    /// A button.
    pub leave: &'static str,
    /// Before their number.
    pub own_number: &'static str,
    /// Who invites to what.
    pub asks: &'static str,
    /// A button.
    pub accept: &'static str,
    /// A button.
    pub decline: &'static str,
    /// Beside a field.
    pub name: &'static str,
    /// Beside a field.
    pub own_name: &'static str,
    /// A button.
    pub found: &'static str,
    /// Beside a price.
    pub pays: &'static str,
    /// A refusal.
    pub no_name: &'static str,
    /// A refusal.
    pub no_limit: &'static str,
    refusals: [&'static str; 9],
}

pub const ENGLISH: HomeWords = HomeWords {
    title: "Household",
    hint: "Whoever belongs to one household may redeem with the points of all. Everybody keeps their own, and can leave at any time.",
    together: "Together: {}",
    head: "leads it",
    nameless: "(no name)",
    remove: "Remove",
    uses: "Whose points were used",
    used_yours: "{} used {} of yours",
    used_theirs: "You used {} of {}",
    back: "{} went back",
    limit: "The most of your points that others may use in a month",
    limit_hint: "0 is none. Empty is as much as the programme lets.",
    save: "Save",
    number: "The number of somebody whom you invite",
    invite: "Invite",
    invited_until: "Somebody is invited until {}",
    withdraw: "Call it off",
    leave: "Leave the household",
    own_number: "Your number, for whoever invites you:",
    asks: "{} invites you to “{}”",
    accept: "Join",
    decline: "Decline",
    name: "What the household is called",
    own_name: "As what the others know you",
    found: "Found a household",
    pays: "{} of it from your household",
    no_name: "Choose a name of 1 to 40 characters, no address or number: others read it.",
    no_limit: "Say a whole number, or leave it empty.",
    refusals: [
        "You, or your household, have too few points that may be used.",
        "Somebody of the household has that name. Choose another one, please.",
        "As many belong to the household, or are invited, as may.",
        "You have joined households as often as one may in a year.",
        "Nobody has that number. Ask for it again, please.",
        "They belong to a household, or are invited already.",
        "That invitation is over. Ask for another one, please.",
        "Only whoever leads the household may do that.",
        "That cannot be done at the moment. Nothing was changed.",
    ],
};

pub const CHINESE: HomeWords = HomeWords {
    title: "家庭共享",
    hint: "同一家庭的成员可以共同使用所有人的积分兑换。积分仍归各自所有，可随时退出。",
    together: "合计：{}",
    head: "负责人",
    nameless: "（无名称）",
    remove: "移除",
    uses: "积分使用情况",
    used_yours: "{} 使用了您的 {}",
    used_theirs: "您使用了 {}，来自 {}",
    back: "已退回 {}",
    limit: "他人每月最多可使用您的积分",
    limit_hint: "0 表示不允许；留空则以计划规定为限。",
    save: "保存",
    number: "受邀者的会员号",
    invite: "邀请",
    invited_until: "已邀请一人，有效期至{}",
    withdraw: "撤回",
    leave: "退出家庭",
    own_number: "您的会员号，供邀请您的人使用：",
    asks: "{} 邀请您加入“{}”",
    accept: "加入",
    decline: "拒绝",
    name: "家庭名称",
    own_name: "供其他成员看到的名称",
    found: "创建家庭",
    pays: "其中 {} 由家庭支付",
    no_name: "请选择 1 到 40 个字符的名称，不能是地址或号码，因为他人会看到。",
    no_limit: "请填写整数，或留空。",
    refusals: [
        "您或您的家庭可使用的积分不足。",
        "家庭中已有人使用该名称，请换一个。",
        "家庭成员或受邀人数已达上限。",
        "您今年加入家庭的次数已达上限。",
        "没有该会员号，请再次确认。",
        "对方已属于某个家庭，或已被邀请。",
        "该邀请已失效，请重新邀请。",
        "只有家庭负责人可以这样做。",
        "目前无法办理，未作任何更改。",
    ],
};

impl HomeWords {
    /// Why something is not done, as far as it helps a member.
    pub const fn refusal(&self, why: Refusal) -> &'static str {
        let place = match why {
            Refusal::Short { .. } => 0,
            Refusal::NameTaken => 1,
            Refusal::Full => 2,
            Refusal::TooOften => 3,
            Refusal::MemberUnknown => 4,
            Refusal::AlreadyIn | Refusal::Invited => 5,
            Refusal::InvitationOver | Refusal::InvitationUnknown | Refusal::Unknown => 6,
            Refusal::NotHead => 7,
            _ => 8,
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
            for text in [words.together, words.back, words.invited_until, words.pays] {
                assert_eq!(text.matches("{}").count(), 1, "{text}");
            }
            for text in [words.used_yours, words.used_theirs, words.asks] {
                assert_eq!(text.matches("{}").count(), 2, "{text}");
            }
        }
    }
}
