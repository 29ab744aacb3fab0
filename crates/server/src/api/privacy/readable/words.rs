//! The words of the page that shows somebody what is kept of them, in English and Chinese.

use serde_json::Value;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Heading, before the company's name.
    pub title: &'static str,
    /// What the page is: as of when, how many kinds of records, how many events.
    pub intro: [&'static str; 4],
    /// Before the purposes of a table.
    pub used_for: &'static str,
    /// Before how long it is kept.
    pub kept_for: &'static str,
    /// Heading of what they did.
    pub events: &'static str,
    /// When, what, details.
    pub columns: [&'static str; 3],
    /// A button.
    pub copy: &'static str,
    purposes: [(&'static str, &'static str); 6],
    until_erased: &'static str,
    with_company: &'static str,
    days: &'static str,
    tables: &'static [(&'static str, &'static str)],
}

const ENGLISH: Words = Words {
    tag: "en",
    title: "Your data at",
    intro: ["Everything that is kept of you, as of ", ": ", " kinds of records and ", " events."],
    used_for: "Used for",
    kept_for: "kept",
    events: "What you did",
    columns: ["When", "What", "Details"],
    copy: "Keep a copy (JSON)",
    purposes: [
        ("service", "service"),
        ("analytics", "analytics"),
        ("marketing", "marketing"),
        ("support", "support"),
        ("sharing", "sharing"),
        ("administration", "administration"),
    ],
    until_erased: "until you are erased",
    with_company: "as long as the company keeps its account",
    days: "days",
    tables: &[
        ("identifiers", "By what we know you"),
        ("persons", "In short"),
        ("facts", "What we were told of you"),
        ("evidence", "Why we think that it is you"),
        ("orders", "Your orders"),
        ("texts", "What you wrote"),
        ("account_members", "Organisations you belong to"),
        ("consents", "What you agreed to or refused"),
        ("wishes", "What you wish"),
        ("restrictions", "Restrictions of use"),
        ("privacy_requests", "What you asked for"),
        ("privacy_proofs", "Mails about your data"),
        ("confirmations", "Mails that asked you to confirm"),
        ("scores", "What models say of you, and why"),
        ("score_marks", "What models saw in what happened to you"),
        ("memberships", "Groups of customers you are in"),
        ("messages", "Messages to you"),
        ("journey_instances", "Series of messages you are in"),
        ("inbox", "Messages on the site"),
        ("push_subscriptions", "Browsers that get notifications"),
        ("message_copies", "Messages as written for you that went to the company's own team"),
        ("message_clicks", "Your clicks in messages"),
        ("slot_views", "What was shown to you on the site"),
        ("journey_acts", "What was done for you beside messages"),
        ("text_numbers", "Telephone numbers that got messages"),
        ("refunds", "Your refunds"),
        ("cancellations", "Orders that were called off"),
        ("dead_addresses", "Addresses nothing is sent to"),
        ("exposures", "Experiments you are in"),
        ("policy_decisions", "What was chosen for you to try, and with what chance"),
        ("invitations", "Surveys you were or could have been asked"),
        ("responses", "Surveys you answered"),
        ("answers", "Your answers"),
        ("verbatims", "How what you wrote was understood"),
        ("reviews", "Products you reviewed, and what was made of it"),
        ("review_marks", "By what copies of your reviews are found"),
        ("verbatim_corrections", "What we corrected about that"),
        ("follow_ups", "Why you were to be called or written to, and what came of it"),
        ("follow_up_reasons", "What you had said or done before that"),
        ("follow_up_log", "What was done about it"),
        ("complaints", "Your complaints, and what you wrote of the company in public"),
        ("complaint_steps", "How your complaints were answered"),
        ("ideas", "What you proposed"),
        ("idea_votes", "Proposals you are for"),
        ("referrals", "That you told others of us, or came because somebody did"),
        ("note_passages", "What you said in interviews"),
        ("topic_examples", "Words of yours by which texts are sorted"),
        ("intent_examples", "Texts of yours by which it is learnt what texts want"),
        ("loyalty_members", "Your number in the loyalty programme"),
        ("loyalty_operations", "Your points: what came and went, when and why"),
        ("loyalty_lots", "Your points that are left, and until when"),
        ("loyalty_changes", "Points that our team gave or took by hand, or wanted to"),
        ("loyalty_redemptions", "What you redeemed points for"),
        ("loyalty_transfers", "Points that you sent to other members, or got from them"),
        ("loyalty_household_members", "Households in which you share points"),
        ("loyalty_household_invitations", "Households to which you were invited"),
        ("loyalty_household_acts", "What staff did in your household for you, and why"),
        ("loyalty_household_uses", "Points that others of your household used, or that you used of theirs"),
        ("loyalty_vouchers", "Codes that you were given"),
        ("loyalty_cards", "Your cards in the loyalty programme"),
        ("loyalty_gift_cards", "Gift cards that you bought or took into your wallet"),
        ("loyalty_partner_lines", "What you earned and redeemed at partners"),
        ("loyalty_checkouts", "Carts of yours that offers were reckoned for"),
        ("loyalty_offer_uses", "Offers that you used"),
        ("loyalty_offer_shares", "Percentages off that you were shown"),
        ("loyalty_simulation_people", "What you would have earned by rules that were tried"),
        ("loyalty_awards", "What you earned points for"),
        ("loyalty_referral_codes", "Your codes for bringing friends"),
        ("loyalty_referral_suspensions", "When you were suspended from bringing friends"),
        ("loyalty_referrals", "By which codes you came, and what became of friends who came by yours"),
        ("loyalty_referral_claims", "When you used a code that a member gave you"),
        ("loyalty_referral_acts", "What you did that may count for whoever brought you"),
        (
            "loyalty_referral_traces",
            "Digests of devices, payments, networks and addresses, kept a few weeks against fraud",
        ),
        ("loyalty_notices", "When you were told that points lapse"),
        ("loyalty_tiers", "Your tiers in the loyalty programme"),
        ("loyalty_tier_moves", "How you came to your tiers"),
        ("loyalty_tier_matches", "Tiers that were given to you"),
        ("loyalty_tier_counts", "What counted for your tiers"),
        ("loyalty_benefit_uses", "Benefits that you used"),
        ("loyalty_challenge_counts", "What counted for challenges"),
        ("loyalty_challenge_joins", "Challenges that you joined"),
        ("loyalty_challenge_progress", "How far you are in challenges"),
        ("loyalty_challenge_completions", "What you completed of challenges"),
        ("loyalty_badges", "Your badges"),
        ("loyalty_phones", "That you are found by your telephone number at the till"),
        ("loyalty_receipts", "Your receipts from stores"),
        ("loyalty_payments", "What you paid of receipts with points"),
        ("loyalty_leaderboard_joins", "Leaderboards that you are or were on"),
        ("loyalty_leaderboard_scores", "How much you have on leaderboards"),
        ("loyalty_leaderboard_winners", "What you won on leaderboards"),
        ("audience_members", "Lists at advertising platforms you are on"),
        ("lake_move", "Identifiers that were joined with yours"),
        ("outbox_event", "What parts of this program told each other of you"),
    ],
};

const CHINESE: Words = Words {
    tag: "zh-CN",
    title: "您的数据：",
    intro: ["截至 ", " 保存的与您有关的全部数据：", " 类记录，", " 个事件。"],
    used_for: "用途：",
    kept_for: "保存期限：",
    events: "您的行为",
    columns: ["时间", "内容", "详情"],
    copy: "保存副本（JSON）",
    purposes: [
        ("service", "服务"),
        ("analytics", "分析"),
        ("marketing", "营销"),
        ("support", "客户支持"),
        ("sharing", "共享"),
        ("administration", "管理"),
    ],
    until_erased: "直至您的数据被删除",
    with_company: "公司账户存续期间",
    days: "天",
    tables: &[
        ("identifiers", "我们识别您的方式"),
        ("persons", "概要"),
        ("facts", "我们获知的信息"),
        ("evidence", "判断是您的依据"),
        ("orders", "您的订单"),
        ("texts", "您写的内容"),
        ("account_members", "您所属的组织"),
        ("consents", "您同意或拒绝的内容"),
        ("wishes", "您的偏好"),
        ("restrictions", "使用限制"),
        ("privacy_requests", "您的请求"),
        ("privacy_proofs", "关于您数据的邮件"),
        ("confirmations", "请您确认的邮件"),
        ("scores", "模型对您的判断及其理由"),
        ("score_marks", "模型从您的经历中看到的内容"),
        ("memberships", "您所在的客户群"),
        ("messages", "发给您的消息"),
        ("journey_instances", "您所在的消息流程"),
        ("inbox", "站内消息"),
        ("push_subscriptions", "接收通知的浏览器"),
        ("message_copies", "以您的数据撰写、发给公司团队的消息"),
        ("message_clicks", "您在消息中的点击"),
        ("slot_views", "网站向您展示的内容"),
        ("journey_acts", "消息之外为您执行的操作"),
        ("text_numbers", "收到消息的电话号码"),
        ("refunds", "您的退款"),
        ("cancellations", "已取消的订单"),
        ("dead_addresses", "不再发送的地址"),
        ("exposures", "您参与的实验"),
        ("policy_decisions", "为您选择尝试的内容及其概率"),
        ("invitations", "您收到或可能收到的调查"),
        ("responses", "您回答过的调查"),
        ("answers", "您的回答"),
        ("verbatims", "您所写内容的理解结果"),
        ("reviews", "您评价过的商品，以及对评价的判断"),
        ("review_marks", "用于查找评价抄袭的标记"),
        ("verbatim_corrections", "我们对此的更正"),
        ("follow_ups", "为何要联系您，以及结果"),
        ("follow_up_reasons", "在此之前您说过或做过的事"),
        ("follow_up_log", "为此所做的事"),
        ("complaints", "您的投诉，以及您公开写到公司的内容"),
        ("complaint_steps", "您的投诉如何得到答复"),
        ("ideas", "您提出的建议"),
        ("idea_votes", "您支持的建议"),
        ("referrals", "您把我们推荐给他人，或经他人推荐而来的记录"),
        ("note_passages", "您在访谈中说的话"),
        ("topic_examples", "用于文本归类的您的话"),
        ("intent_examples", "用于学习文本意图的您的话"),
        ("loyalty_members", "您在会员计划中的编号"),
        ("loyalty_operations", "您的积分：何时因何获得与支出"),
        ("loyalty_lots", "您剩余的积分及其有效期"),
        ("loyalty_changes", "我们的员工手动增减或申请增减的积分"),
        ("loyalty_redemptions", "您用积分兑换的内容"),
        ("loyalty_transfers", "您转给其他会员或从其他会员处收到的积分"),
        ("loyalty_household_members", "您共享积分的家庭"),
        ("loyalty_household_invitations", "您收到的家庭邀请"),
        ("loyalty_household_acts", "员工为您在家庭中办理的事项及原因"),
        ("loyalty_household_uses", "家人使用您的积分，或您使用家人的积分"),
        ("loyalty_vouchers", "您获得的兑换码"),
        ("loyalty_cards", "您的会员卡"),
        ("loyalty_gift_cards", "您购买或存入钱包的礼品卡"),
        ("loyalty_partner_lines", "您在合作伙伴处获得和使用的积分"),
        ("loyalty_checkouts", "为您计算过优惠的购物车"),
        ("loyalty_offer_uses", "您使用过的优惠"),
        ("loyalty_offer_shares", "向您展示过的折扣比例"),
        ("loyalty_simulation_people", "按试算规则您会获得的积分"),
        ("loyalty_awards", "您因何获得积分"),
        ("loyalty_referral_codes", "您邀请朋友的邀请码"),
        ("loyalty_referral_suspensions", "您被暂停邀请朋友的时间"),
        ("loyalty_referrals", "您通过哪些邀请码前来，以及通过您的邀请码前来的朋友的情况"),
        ("loyalty_referral_claims", "您使用会员邀请码的时间"),
        ("loyalty_referral_acts", "可能计入邀请人奖励的您的行为"),
        ("loyalty_referral_traces", "为防止欺诈而保留数周的设备、付款、网络与地址的摘要"),
        ("loyalty_notices", "何时通知过您积分即将失效"),
        ("loyalty_tiers", "您在会员计划中的等级"),
        ("loyalty_tier_moves", "您的等级变动"),
        ("loyalty_tier_matches", "授予您的等级"),
        ("loyalty_tier_counts", "计入您等级的事项"),
        ("loyalty_benefit_uses", "您使用过的权益"),
        ("loyalty_challenge_counts", "计入挑战的事项"),
        ("loyalty_challenge_joins", "您参加的挑战"),
        ("loyalty_challenge_progress", "您的挑战进度"),
        ("loyalty_challenge_completions", "您完成的挑战"),
        ("loyalty_badges", "您的徽章"),
        ("loyalty_phones", "可在收银台通过您的电话号码找到您"),
        ("loyalty_receipts", "您的门店小票"),
        ("loyalty_payments", "您用积分支付的小票金额"),
        ("loyalty_leaderboard_joins", "您参加过的排行榜"),
        ("loyalty_leaderboard_scores", "您在排行榜上的成绩"),
        ("loyalty_leaderboard_winners", "您在排行榜上赢得的奖励"),
        ("audience_members", "您所在的广告平台名单"),
        ("lake_move", "曾与您的标识合并的标识"),
        ("outbox_event", "程序各部分之间有关您的通知"),
    ],
};

impl Words {
    /// Those of a language.
    pub fn of(language: &str) -> &'static Self {
        if language.starts_with("zh") { &CHINESE } else { &ENGLISH }
    }

    /// What a table is called.
    pub fn table<'a>(&self, name: &'a str) -> &'a str {
        self.tables.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| *label)
    }

    /// What something is used for.
    pub fn purposes(&self, used_for: &Value) -> String {
        let words = used_for.as_array().into_iter().flatten().filter_map(Value::as_str);
        let label = |word: &str| self.purposes.iter().find(|(known, _)| *known == word).map_or("", |(_, label)| *label);
        words.map(label).collect::<Vec<_>>().join(if self.tag == "en" { ", " } else { "、" })
    }

    /// How long something is kept, from what [`crate::erasing::access`] says of it.
    pub fn kept(&self, kept: &str) -> String {
        match kept {
            "until you are erased" => self.until_erased.to_owned(),
            text => match text.strip_suffix(" days") {
                Some(days) => format!("{days} {}", self.days),
                None => self.with_company.to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_store::data_map::Way;

    use super::*;
    use crate::installation::DATA_MAPS;

    #[test]
    fn every_table_with_data_of_customers_has_a_name_that_people_understand() {
        for words in [&ENGLISH, &CHINESE] {
            let is_of_customers = |way: Way| matches!(way, Way::Person(_) | Way::Handles(_));
            let tables = DATA_MAPS.iter().copied().flatten().filter(|it| is_of_customers(it.person));
            let nameless = tables.map(|it| it.table).filter(|table| words.table(table) == *table);
            assert_eq!(nameless.collect::<std::collections::BTreeSet<_>>(), [].into(), "{}", words.tag);
            let known =
                |table: &str| DATA_MAPS.iter().copied().flatten().any(|it| it.table == table && it.person != Way::None);
            assert!(words.tables.iter().all(|(table, _)| known(table)));
        }
    }
}
