//! Which values may name a person. Shared placeholders ("null", "anonymous", "0") would make one person of thousands of
//! strangers and are refused; the list joins PostHog's refused ids and Segment's suggested blocked values.
//!
//! Pure. Rules about merging persons belong to `profiles`.

/// Values that many strangers share, compared without case.
const BLOCKED: &[&str] = &[
    "anonymous",
    "guest",
    "distinctid",
    "distinct_id",
    "id",
    "not_authenticated",
    "email",
    "undefined",
    "true",
    "false",
    "null",
    "none",
    "nan",
    "nil",
    "[object object]",
    "unknown",
    "n/a",
    "-1",
    "userid",
    "user_id",
    "anonymousid",
    "anonymous_id",
    "(null)",
    "void",
];

/// Whether `value` (trimmed, not empty) is a placeholder and no name.
pub(super) fn is_blocked(value: &str) -> bool {
    let bare = unquoted(value);
    // Blank, "0", "000-000", "00000000-0000-0000-0000-000000000000": Segment's ^[0-]*$.
    if bare.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
        return true;
    }
    bare.len() <= 16 && BLOCKED.iter().any(|blocked| bare.eq_ignore_ascii_case(blocked))
}

/// `value` without quotes and blanks around it.
fn unquoted(value: &str) -> &str {
    value.trim_matches(|c: char| c == '"' || c == '\'' || c == '`' || c.is_whitespace())
}

/// The normalised form of an e-mail address: trimmed, lower case. `None` when it cannot be one (no deliverability is checked).
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim().strip_prefix("mailto:").unwrap_or(text.trim());
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |part: &str| !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"@\\".contains(c));
    let labels_are_whole = domain.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    let plausible = !local.is_empty()
        && local.len() <= 64
        && text.len() <= 254
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && labels_are_whole;
    plausible.then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_blocked() {
        for value in [
            "anonymous",
            "Guest",
            "NULL",
            "undefined",
            "[object Object]",
            "0",
            "-1",
            "000000",
            "---",
            "'null'",
            "\"0\"",
            "None",
            "NaN",
            "00000000-0000-0000-0000-000000000000",
            "\" \"",
            "false",
        ] {
            assert!(is_blocked(value), "{value}");
        }
        for value in
            ["17850", "10", "guest-4711", "anonymously", "id1", "00000000-0000-0000-0000-000000000001", "o'neill"]
        {
            assert!(!is_blocked(value), "{value}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(email(" Ann.Lee+x@Example.ORG ").as_deref(), Some("ann.lee+x@example.org"));
        assert_eq!(email("jürgen@müller.de").as_deref(), Some("jürgen@müller.de"));
        for text in [
            "",
            "ann",
            "ann@",
            "@x.org",
            "ann@x",
            "ann@x..org",
            "a b@x.org",
            "a@b@x.org",
            "Ann <a@x.org>",
            "a@x.org,b@x.org",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
    }
}
