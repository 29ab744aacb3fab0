//! Which URLs a message may carry, and parameters added to one.

use super::escape;

/// Why a URL was left out of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlProblem {
    /// There is none.
    Empty,
    /// Not `http`, `https`, `mailto` or `tel`; of an image, not `http` or `https`.
    Scheme,
    /// It does not begin with a scheme and a host.
    NotAbsolute,
    /// A value stands in the name of the host or in front of it, so that it could choose where the link leads.
    Host,
}

impl UrlProblem {
    /// What is wrong, as the end of a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Scheme => "only https, http, mailto and tel are allowed",
            Self::NotAbsolute => "it must begin with https:// and a host",
            Self::Host => "a value may not stand in the name of the host: write https://host/ with its slash before it",
        }
    }
}

/// What a URL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Link,
    Image,
}

/// Whether a URL may be sent. It has passed [`escape::url`] or was made of [`escape::url_part`]s.
pub(crate) fn check(url: &str, used: Use) -> Result<(), UrlProblem> {
    if url.is_empty() {
        return Err(UrlProblem::Empty);
    }
    let Some((scheme, rest)) = url.split_once(':') else { return Err(UrlProblem::NotAbsolute) };
    if scheme.contains(['/', '?', '#']) {
        return Err(UrlProblem::NotAbsolute);
    }
    match (scheme.to_ascii_lowercase().as_str(), used) {
        ("http" | "https", _) => host(rest),
        ("mailto", Use::Link) if rest.contains('@') => Ok(()),
        ("tel", Use::Link) if rest.bytes().any(|b| b.is_ascii_digit()) => Ok(()),
        ("mailto" | "tel", Use::Link) => Err(UrlProblem::Empty),
        _ => Err(UrlProblem::Scheme),
    }
}

/// There must be a host after the scheme. A user name in front of it is refused: people read it as the host.
fn host(rest: &str) -> Result<(), UrlProblem> {
    let rest = rest.strip_prefix("//").ok_or(UrlProblem::NotAbsolute)?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err(UrlProblem::Host);
    }
    let name = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => authority.split(':').next(),
    };
    if name.is_none_or(str::is_empty) { Err(UrlProblem::NotAbsolute) } else { Ok(()) }
}

/// Whether the next letters would still belong to the scheme or the host.
pub(crate) fn is_before_path(written: &str) -> bool {
    match written.split_once("://") {
        Some((_, rest)) => !rest.contains(['/', '?', '#']),
        None => !written.contains(':'),
    }
}

/// The URL with parameters (UTM, for instance) that it does not have yet, before its fragment. Those that it has stay as they are, and
/// so does everything else; only `http` and `https` get any.
pub fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let is_web = url.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    if !is_web {
        return url.to_owned();
    }
    let (before, fragment) = url.split_once('#').map_or((url, None), |(before, fragment)| (before, Some(fragment)));
    let query = before.split_once('?').map(|(_, query)| query);
    let mut out = before.to_owned();
    let mut separator = match query {
        None => "?",
        Some("") => "",
        Some(query) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in parameters {
        let has = |pair: &str| pair.split('=').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
        if query.is_some_and(|query| query.split('&').any(has)) {
            continue;
        }
        out.push_str(separator);
        escape::url_part(name, &mut out);
        out.push('=');
        escape::url_part(value, &mut out);
        separator = "&";
    }
    if let Some(fragment) = fragment {
        out = out + "#" + fragment;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_schemes() {
        for url in
            ["https://a.example", "HTTP://a.example/x?y#z", "mailto:a@b.example", "tel:+4912", "https://[::1]:8080/"]
        {
            assert_eq!(check(url, Use::Link), Ok(()), "{url}");
        }
        for (url, problem) in [
            ("", UrlProblem::Empty),
            ("javascript:alert(1)", UrlProblem::Scheme),
            ("JaVaScRiPt:alert(1)", UrlProblem::Scheme),
            ("data:text/html,x", UrlProblem::Scheme),
            ("vbscript:x", UrlProblem::Scheme),
            ("file:///etc/passwd", UrlProblem::Scheme),
            ("/relative", UrlProblem::NotAbsolute),
            ("//host.example/x", UrlProblem::NotAbsolute),
            ("https:a.example", UrlProblem::NotAbsolute),
            ("https://", UrlProblem::NotAbsolute),
            ("https:///path", UrlProblem::NotAbsolute),
            ("https://:80/", UrlProblem::NotAbsolute),
            ("https://bank.example@evil.example/", UrlProblem::Host),
            ("mailto:", UrlProblem::Empty),
        ] {
            assert_eq!(check(url, Use::Link), Err(problem), "{url}");
        }
        assert_eq!(check("mailto:a@b.example", Use::Image), Err(UrlProblem::Scheme));
    }

    #[test]
    fn parameters_do_not_disturb_what_is_there() {
        let utm = [("utm_source", "rapport"), ("utm_campaign", "spring & co")];
        for (url, expected) in [
            ("https://a.example/x", "https://a.example/x?utm_source=rapport&utm_campaign=spring%20%26%20co"),
            (
                "https://a.example/x?a=1#top",
                "https://a.example/x?a=1&utm_source=rapport&utm_campaign=spring%20%26%20co#top",
            ),
            (
                "https://a.example/?UTM_Source=own&b",
                "https://a.example/?UTM_Source=own&b&utm_campaign=spring%20%26%20co",
            ),
            ("https://a.example/?", "https://a.example/?utm_source=rapport&utm_campaign=spring%20%26%20co"),
            ("https://a.example/?a&", "https://a.example/?a&utm_source=rapport&utm_campaign=spring%20%26%20co"),
            ("mailto:a@b.example", "mailto:a@b.example"),
        ] {
            assert_eq!(with_parameters(url, &utm), expected);
            assert_eq!(with_parameters(expected, &utm), expected, "twice is once");
        }
    }
}
