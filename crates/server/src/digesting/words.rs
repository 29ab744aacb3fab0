//! The words of the digest, in English and Chinese.

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Where nothing was said.
    pub quiet: &'static str,
    /// Heading of scores.
    pub scores: &'static str,
    /// Heading of themes.
    pub themes: &'static str,
    /// Heading of follow-ups.
    pub follow_ups: &'static str,
    /// Heading of reviews.
    pub reviews: &'static str,
    /// A button.
    pub open: &'static str,
    /// Why somebody gets it.
    pub why: &'static str,
    /// Lines of follow-ups: opened, open now, late, content again.
    pub lines: [&'static str; 4],
    /// Spoken with in time.
    pub in_time: &'static str,
    /// Lines of reviews: new ones, on average, waiting.
    pub review_lines: [&'static str; 3],
    /// Of themes: new, growing, worse.
    pub news: [&'static str; 3],
}

pub const ENGLISH: Words = Words {
    tag: "en",
    title: "What customers said",
    quiet: "Nobody said anything this week, and nothing is to be done.",
    scores: "Scores",
    themes: "New, growing, or worse",
    follow_ups: "Follow-ups",
    reviews: "Reviews",
    open: "Open feedback",
    why: "You get this once a week, because somebody of your company chose you for it under Feedback. Customers are not named; what they wrote is shortened, and addresses and numbers in it are hidden.",
    lines: ["Opened this week", "Open now", "Late", "Content again"],
    in_time: "Spoken with in time",
    review_lines: ["New reviews", "Stars on average", "Waiting for somebody to look"],
    news: ["new", "growing", "feels worse"],
};

pub const CHINESE: Words = Words {
    tag: "zh-CN",
    title: "客户之声",
    quiet: "本周没有客户反馈，也没有待办事项。",
    scores: "评分",
    themes: "新出现、增多或变差的主题",
    follow_ups: "跟进",
    reviews: "评价",
    open: "打开反馈",
    why: "您每周会收到一次，因为贵公司有人在“反馈”中选择了您。邮件中不含客户姓名；引用的文字已缩短，其中的地址和号码已隐藏。",
    lines: ["本周新开", "目前未完成", "已逾期", "已挽回"],
    in_time: "按时联系",
    review_lines: ["新评价", "平均星级", "等待查看"],
    news: ["新出现", "增多", "感受变差"],
};

impl Words {
    /// Those of a workspace's language.
    pub fn of(locale: Option<&str>) -> &'static Self {
        if locale.is_some_and(|tag| tag.starts_with("zh")) { &CHINESE } else { &ENGLISH }
    }

    /// Whether it is Chinese.
    pub fn is_chinese(&self) -> bool {
        self.tag == CHINESE.tag
    }

    /// What a measure is called.
    pub fn measure(&self, measure: &str) -> &'static str {
        match (measure, self.is_chinese()) {
            ("nps", _) => "NPS",
            ("top_two", false) => "satisfied",
            ("top_two", true) => "满意",
            ("easy", false) => "found it easy",
            ("easy", true) => "觉得容易",
            (_, false) => "on average",
            (_, true) => "平均",
        }
    }
}
