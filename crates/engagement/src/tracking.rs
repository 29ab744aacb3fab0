//! Clicks and openings: the links that count them, and how likely it was a machine.
//!
//! A link of ours holds message, number and target, sealed: it leads on without asking the database, and cannot be bent to lead elsewhere. Security
//! programs open every link of a mail within seconds of its arrival, so a look is judged a while later, when its neighbours are known ([`judge`]).
//!
//! Always holds: an opening proves nothing, because mail programs load pictures by themselves; nothing here decides what a customer wants.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_privacy::sealing::{Kind, Sealer};

const KIND: Kind =
    Kind { seal: "rapport 2026-11 seal of tracking links", hide: "rapport 2026-11 content of tracking links" };

/// From this score on a look counts as a machine's.
pub const MACHINE: u8 = 50;
/// Looks of one message that are so close belong together.
pub const TOGETHER: i64 = 10 * Timestamp::SECOND;
/// So soon after it was handed over nobody has read a message.
const TOO_SOON: i64 = 10 * Timestamp::SECOND;

/// What a tracking link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Which message.
    pub message: String,
    /// Which of its links, from 0.
    pub link: u16,
    /// Where it leads; empty for the picture that counts openings.
    pub target: String,
}

/// Makes and opens the tracking links of one workspace.
pub struct Tracker(Sealer);

impl Tracker {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32]) -> Self {
        Self(Sealer::new(workspace, secret, KIND))
    }

    /// The text of a link, for the path of an address.
    pub fn make(&self, message: &str, link: u16, target: &str) -> String {
        let mut content = Vec::with_capacity(3 + message.len() + target.len());
        content.extend_from_slice(&link.to_be_bytes());
        content.push(u8::try_from(message.len()).unwrap_or(u8::MAX));
        content.extend_from_slice(message.as_bytes());
        content.extend_from_slice(target.as_bytes());
        self.0.close(content)
    }

    /// What a text stands for; `None` when it is none of ours.
    pub fn open(&self, text: &str) -> Option<Tracked> {
        let content = self.0.open(text)?;
        let (link, rest) = content.split_at_checked(2)?;
        let (length, rest) = rest.split_first()?;
        let (message, target) = rest.split_at_checked(usize::from(*length))?;
        Some(Tracked {
            message: std::str::from_utf8(message).ok()?.to_owned(),
            link: u16::from_be_bytes(link.try_into().ok()?),
            target: std::str::from_utf8(target).ok()?.to_owned(),
        })
    }
}

/// What a request showed of who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// `User-Agent`.
    pub agent: &'a str,
    /// `Accept`.
    pub accept: &'a str,
    /// `Accept-Language`.
    pub language: &'a str,
    /// It asked for the head only.
    pub is_head: bool,
    /// It said that it fetches ahead (`Sec-Purpose`, `Purpose`, `X-Purpose`).
    pub is_ahead: bool,
}

/// Words in the names of programs that are no browser in somebody's hands.
const PROGRAMS: [&str; 18] = [
    "bot",
    "crawl",
    "spider",
    "preview",
    "scan",
    "proofpoint",
    "mimecast",
    "barracuda",
    "safelinks",
    "curl",
    "wget",
    "python",
    "java/",
    "go-http",
    "libwww",
    "headless",
    "okhttp",
    "monitor",
];
/// Programs that fetch pictures on behalf of somebody's mailbox, whether they read or not.
const PROXIES: [&str; 3] = ["googleimageproxy", "yahoomailproxy", "applemail"];

/// What speaks for a machine in a request by itself, as stable words.
pub fn signs(asked: &Asked<'_>) -> Vec<&'static str> {
    let agent = asked.agent.to_ascii_lowercase();
    let mut signs = Vec::new();
    let mut note = |is_so: bool, word| {
        if is_so {
            signs.push(word);
        }
    };
    note(asked.is_head, "head");
    note(asked.is_ahead, "ahead");
    note(agent.trim().len() < 12, "no_agent");
    note(PROGRAMS.iter().any(|word| agent.contains(word)), "program");
    note(PROXIES.iter().any(|word| agent.contains(word)), "proxy");
    note(!asked.accept.is_empty() && !asked.accept.contains("html") && !asked.accept.contains("image"), "accept");
    note(asked.language.is_empty(), "no_language");
    signs
}

/// A look at a message, with its neighbours.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// What the request showed ([`signs`]).
    pub signs: &'a [&'a str],
    /// When.
    pub at: Timestamp,
    /// When the message was handed over.
    pub sent_at: Option<Timestamp>,
    /// How many different links of the message were looked at within [`TOGETHER`], this one included.
    pub links_together: usize,
    /// It was the picture that counts openings.
    pub is_opening: bool,
}

/// How likely a look was a machine's, from 0 to 100, with all that speaks for it. Each sign leaves a share of the doubt (they are taken as
/// independent: the score is 1 less the product of what each leaves).
pub fn judge(look: &Look<'_>) -> (u8, Vec<String>) {
    let mut signs: Vec<String> = look.signs.iter().map(|sign| (*sign).to_owned()).collect();
    if look.sent_at.is_some_and(|sent| look.at.0 - sent.0 < TOO_SOON) {
        signs.push("too_soon".to_owned());
    }
    if look.links_together >= 3 {
        signs.push("all_at_once".to_owned());
    } else if look.links_together == 2 {
        signs.push("two_at_once".to_owned());
    }
    let left: f64 = signs.iter().map(|sign| 1.0 - weight(sign, look.is_opening)).product();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 100")]
    let score = ((1.0 - left) * 100.0).round() as u8;
    (score, signs)
}

/// How much a sign says for a machine.
fn weight(sign: &str, is_opening: bool) -> f64 {
    match sign {
        "head" | "ahead" => 0.95,
        "program" => 0.9,
        "no_agent" => 0.8,
        "too_soon" => 0.6,
        "all_at_once" => 0.85,
        "two_at_once" => 0.4,
        "accept" | "no_language" => 0.3,
        // A proxy loads pictures for people too: it says nothing about who reads, and everything about what an opening is worth.
        "proxy" if is_opening => 0.6,
        "proxy" => 0.9,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BROWSER: Asked<'_> = Asked {
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        language: "de,en;q=0.5",
        is_head: false,
        is_ahead: false,
    };

    fn score(asked: &Asked<'_>, after: i64, links: usize) -> u8 {
        let signs = signs(asked);
        let sent = Timestamp::from_seconds(1_000);
        let at = sent.plus(after * Timestamp::SECOND);
        judge(&Look { signs: &signs, at, sent_at: Some(sent), links_together: links, is_opening: false }).0
    }

    #[test]
    fn people_are_people_and_scanners_scanners() {
        assert_eq!(score(&BROWSER, 3_600, 1), 0);
        assert!(score(&BROWSER, 3_600, 2) < MACHINE, "somebody opens two links in tabs");
        assert!(score(&BROWSER, 5, 1) >= MACHINE, "nobody reads within seconds");
        assert!(score(&BROWSER, 3_600, 8) >= MACHINE, "a scanner in the clothes of a browser looks at all links");
        assert!(score(&Asked { is_head: true, ..BROWSER }, 3_600, 1) >= MACHINE);
        assert!(score(&Asked { agent: "python-requests/2.32", ..BROWSER }, 3_600, 1) >= MACHINE);
        assert!(score(&Asked::default(), 3_600, 1) >= MACHINE);
        assert!(score(&Asked { language: "", ..BROWSER }, 3_600, 1) < MACHINE);
    }

    proptest! {
        #[test]
        fn more_signs_never_make_it_more_human(after in 0i64..100, links in 1usize..6, is_head in any::<bool>()) {
            let one = score(&Asked { is_head, ..BROWSER }, after, links);
            let more = score(&Asked { is_head, ..BROWSER }, after, links + 1);
            prop_assert!(more >= one);
            let ahead = score(&Asked { is_head, is_ahead: true, ..BROWSER }, after, links);
            prop_assert!(ahead >= one);
        }

        #[test]
        fn a_link_opens_to_what_it_was_made_of(message in "msg_[0-9a-f]{32}", link in any::<u16>(), target in "https://[a-z]{1,20}\\.example/[a-z?=&]{0,80}") {
            let tracker = Tracker::new(WorkspaceId(3), &[1; 32]);
            let text = tracker.make(&message, link, &target);
            prop_assert_eq!(tracker.open(&text), Some(Tracked { message, link, target }));
            prop_assert_eq!(Tracker::new(WorkspaceId(3), &[2; 32]).open(&text), None);
        }

        #[test]
        fn what_is_none_of_ours_leads_nowhere(text in ".{0,120}") {
            prop_assert_eq!(Tracker::new(WorkspaceId(3), &[1; 32]).open(&text), None);
        }
    }
}
