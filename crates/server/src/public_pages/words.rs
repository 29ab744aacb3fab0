//! The words of the public pages, in English and Chinese.

use axum::http::{HeaderMap, header};

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Heading of the sign-in page.
    pub sign_in: &'static str,
    /// What it is for.
    pub sign_in_hint: &'static str,
    /// A label.
    pub email: &'static str,
    /// A label.
    pub password: &'static str,
    /// Where links come from.
    pub no_password: &'static str,
    /// Heading of the password page.
    pub choose_password: &'static str,
    /// What a password must be.
    pub password_rule: &'static str,
    /// A label.
    pub current_password: &'static str,
    /// A label.
    pub new_password: &'static str,
    /// A button.
    pub save: &'static str,
    /// A link.
    pub later: &'static str,
    /// A message.
    pub wrong_password: &'static str,
    /// A message.
    pub too_many_failures: &'static str,
    /// A message.
    pub link_used: &'static str,
    /// A message.
    pub bad_password: &'static str,
    /// A message.
    pub failed: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    sign_in: "Sign in",
    sign_in_hint: "Your customers, in one place.",
    email: "E-mail address",
    password: "Password",
    no_password: "No password? Ask an owner or admin for a sign-in link.",
    choose_password: "Choose a password",
    password_rule: "At least 10 characters. A few words in a row are easy to remember and hard to guess.",
    current_password: "Password until now",
    new_password: "New password",
    save: "Save",
    later: "Later",
    wrong_password: "E-mail address and password do not fit together.",
    too_many_failures: "Too many sign-ins failed. Try again in a quarter of an hour.",
    link_used: "This link was used already, or it is too old. Sign in with your password, or ask for a new link.",
    bad_password: "A password has 10 to 200 characters and is not your e-mail address.",
    failed: "That did not work. Try again in a moment.",
};

const CHINESE: Words = Words {
    tag: "zh-CN",
    sign_in: "登录",
    sign_in_hint: "您的客户，尽在一处。",
    email: "电子邮箱",
    password: "密码",
    no_password: "没有密码？请向所有者或管理员索取登录链接。",
    choose_password: "设置密码",
    password_rule: "至少 10 个字符。由几个词组成的密码容易记住，也难以猜到。",
    current_password: "当前密码",
    new_password: "新密码",
    save: "保存",
    later: "以后再说",
    wrong_password: "邮箱与密码不匹配。",
    too_many_failures: "登录失败次数过多，请在一刻钟后重试。",
    link_used: "此链接已使用或已过期。请用密码登录，或索取新链接。",
    bad_password: "密码须有 10 至 200 个字符，且不能是您的邮箱。",
    failed: "操作未成功，请稍后重试。",
};

/// Whether the browser prefers Chinese to English, of the two that the public pages speak.
pub(super) fn prefers_chinese(headers: &HeaderMap) -> bool {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = asked.split(',').map(str::trim).find(|tag| tag.starts_with("en") || tag.starts_with("zh"));
    first.is_some_and(|tag| tag.starts_with("zh"))
}

impl Words {
    /// The language the browser prefers, of those there are.
    pub fn of(headers: &HeaderMap) -> &'static Self {
        if prefers_chinese(headers) { &CHINESE } else { &ENGLISH }
    }

    /// The message for a problem.
    pub fn message(&self, code: &str) -> &'static str {
        match code {
            "wrong_password" => self.wrong_password,
            "too_many_failures" => self.too_many_failures,
            "link_used" => self.link_used,
            "invalid_value" => self.bad_password,
            _ => self.failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_preferred_language_is_spoken() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value));
            Words::of(&headers).tag
        };
        assert_eq!(of("zh-CN,zh;q=0.9,en;q=0.8"), "zh-CN");
        assert_eq!(of("de-DE, en;q=0.5, zh;q=0.4"), "en");
        assert_eq!(Words::of(&HeaderMap::new()).tag, "en");
    }
}
