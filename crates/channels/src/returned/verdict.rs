//! From a status code or a server's words to hard or soft.
//!
//! Always holds: hard is only what says that the address itself is no more. What is doubtful is soft, and so is what nobody can read.

use super::Kind;
pub(crate) use crate::smtp::is_enhanced as is_status;

/// Words for "this address is not there".
const GONE: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no mailbox here by that name",
    "user not found",
    "recipient not found",
    "recipnotfound",
    "mailbox not found",
    "mailbox unavailable",
    "mailbox does not exist",
    "does not exist",
    "doesn't exist",
    "doesn't have a",
    "unknown recipient",
    "recipient unknown",
    "invalid recipient",
    "invalid mailbox",
    "unknown address",
    "address unknown",
    "no longer in use",
    "account is disabled",
    "account has been disabled",
    "account disabled",
    "mailbox disabled",
    "unrouteable address",
    "host or domain name not found",
    "address not found",
    "用户不存在",
    "帐号不存在",
    "账号不存在",
    "帐户不存在",
    "账户不存在",
    "收件人不存在",
    "邮箱不存在",
    "地址不存在",
];
/// Words for other reasons; they win, because servers write "mailbox unavailable" for a full one too.
const OTHERWISE: &[&str] = &[
    "quota",
    "mailbox is full",
    "mailbox full",
    "inbox is out of storage",
    "too full",
    "spam",
    "blacklist",
    "blocklist",
    "blocked",
    "block list",
    "reputation",
    "policy",
    "dmarc",
    "spf",
    "greylist",
    "try again",
    "temporar",
    "too many",
    "rate limit",
    "timed out",
    "timeout",
    "too large",
    "size limit",
    "已满",
    "空间不足",
    "垃圾",
    "频率",
];

/// What a failure means.
pub(crate) fn kind(status: Option<&str>, said: &str) -> Kind {
    let said = said.to_lowercase();
    let otherwise = OTHERWISE.iter().any(|words| said.contains(words));
    let gone = !otherwise && GONE.iter().any(|words| said.contains(words));
    let Some(detail) = status.and_then(|status| status.strip_prefix("5.")) else {
        // 4.X.X that ended in giving up, or no code: a code 4 in front of words of the dead address is a server that asks to wait.
        return if gone && status.is_none() { Kind::Hard } else { Kind::Soft };
    };
    match detail {
        // RFC 3463, 3.2 and 3.3: no such mailbox, host or syntax, moved, disabled; RFC 7505: the domain takes no mail. 4.4: no host for the domain.
        "1.1" | "1.2" | "1.3" | "1.6" | "1.10" | "2.1" | "4.4" => {
            if otherwise {
                Kind::Soft
            } else {
                Kind::Hard
            }
        }
        // Codes that say nothing by themselves, and 4.1, which Exchange Online answers for people it does not know.
        "0.0" | "1.0" | "2.0" | "3.0" | "4.1" | "5.0" => {
            if gone || detail == "4.1" && said.contains("recipient address rejected") { Kind::Hard } else { Kind::Soft }
        }
        _ => Kind::Soft,
    }
}

/// The first enhanced status code in a text.
pub(crate) fn status_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .find(|word| is_status(word))
        .map(str::to_owned)
}
