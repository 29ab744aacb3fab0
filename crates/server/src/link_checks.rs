//! Asks the addresses in templates whether somebody is there: links that lead nowhere, pictures that are missing or too large.
//!
//! Always holds: requests go through the client that never reaches into the company's own network, in so much time and so many at once; what was
//! answered is remembered for a while, so that looking again costs nobody anything; findings are no errors, because a site that is down now may be up
//! when the message is read, except what no reader could ever open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use rapport_channels::Error;
use rapport_channels::outbound::{Answer, Client, Method, Url, checked};
use rapport_domain::Timestamp;
use rapport_engagement::content::addresses::Address;
use rapport_engagement::content::{Finding, Severity};

/// So many addresses of a template are asked.
const MOST: usize = 100;
/// So many at once.
const AT_ONCE: usize = 8;
/// All of them together, however slow they are.
const DEADLINE: Duration = Duration::from_secs(25);
/// So often an address may lead on to another.
const MOST_HOPS: usize = 4;
/// As much of a page as is read, in bytes; of a picture, to know how large it is.
const PAGE: usize = 4 << 10;
const PICTURE: usize = 4 << 20;
/// Larger pictures come late on a telephone (as the check of templates has it).
const LARGE: u64 = 200_000;
/// So long an answer is remembered: a good one, and one that may be mended.
const GOOD: i64 = 10 * Timestamp::MINUTE;
const BAD: i64 = Timestamp::MINUTE;
const REMEMBERED: usize = 10_000;

/// What is at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum There {
    /// Something: its type, and how large it is, if that is known.
    Something { kind: String, bytes: Option<u64> },
    /// Another status.
    Status(u16),
    /// It leads on and on.
    Circle,
    /// Inside the company's own network.
    Private,
    /// Nobody is reached there.
    Nobody,
    /// No answer in time.
    Silence,
    /// No address that can be asked.
    Unfit,
}

/// What was answered a moment ago.
#[derive(Default)]
pub struct LinkChecks(Mutex<HashMap<(String, bool), (Timestamp, There)>>);

impl LinkChecks {
    /// What is to be said of these addresses, and how many were asked.
    pub async fn findings(&self, client: &Client, addresses: &[Address], now: Timestamp) -> (Vec<Finding>, usize) {
        let different: BTreeSet<(&str, bool)> = addresses.iter().map(|it| (it.url.as_str(), it.is_picture)).collect();
        let asked: Vec<(&str, bool)> = different.into_iter().take(MOST).collect();
        let answers = Mutex::new(BTreeMap::new());
        let all = stream::iter(&asked).for_each_concurrent(AT_ONCE, |(url, is_picture)| {
            let answers = &answers;
            async move {
                let there = self.ask(client, url, *is_picture, now).await;
                answers.lock().unwrap_or_else(PoisonError::into_inner).insert((*url, *is_picture), there);
            }
        });
        let is_late = tokio::time::timeout(DEADLINE, all).await.is_err();
        let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for address in addresses {
            let known = answers.get(&(address.url.as_str(), address.is_picture));
            let silence = There::Silence;
            let there = known.or(is_late.then_some(&silence));
            found.extend(there.into_iter().flat_map(|there| said(address, there)));
        }
        found.sort();
        found.dedup();
        (found, asked.len())
    }

    async fn ask(&self, client: &Client, url: &str, is_picture: bool, now: Timestamp) -> There {
        let key = (url.to_owned(), is_picture);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((_, there)) = known.filter(|(until, _)| *until > now) {
            return there;
        }
        let there = look(client, url, is_picture).await;
        let until = now.plus(if matches!(there, There::Something { .. }) { GOOD } else { BAD });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key, (until, there.clone()));
        there
    }
}

/// Looks at an address, and where it leads on to.
async fn look(client: &Client, url: &str, is_picture: bool) -> There {
    let Ok(mut url) = checked(url) else { return There::Unfit };
    for _ in 0..MOST_HOPS {
        let answer = match answer_of(client, &url, is_picture).await {
            Ok(answer) => answer,
            Err(Error::NotPublic) => return There::Private,
            Err(Error::NoAnswer) => return There::Silence,
            Err(Error::Unreachable) => return There::Nobody,
            Err(_) => return There::Unfit,
        };
        match answer.status {
            200..300 => return there(&answer),
            300..400 => {
                let next = answer.header("location").and_then(|to| url.join(to).ok());
                let Some(next) = next.and_then(|next| checked(next.as_str()).ok()) else {
                    return There::Status(answer.status);
                };
                url = next;
            }
            status => return There::Status(status),
        }
    }
    There::Circle
}

fn there(answer: &Answer) -> There {
    let kind = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let told = answer.header("content-length").and_then(|length| length.trim().parse().ok());
    let read = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    let bytes = told.or((read > 0).then_some(read));
    There::Something { kind: kind.trim().to_ascii_lowercase(), bytes }
}

/// The head first; what does not answer to that, or says nothing of a picture, is asked for itself.
async fn answer_of(client: &Client, url: &Url, is_picture: bool) -> Result<Answer, Error> {
    let accepts = [("accept", if is_picture { "image/*,*/*;q=0.5" } else { "text/html,*/*;q=0.5" })];
    let head = client.ask(Method::HEAD, url, &accepts, Vec::new(), 0).await;
    let is_enough = |answer: &Answer| {
        answer.status < 400 && (!is_picture || answer.status >= 300 || answer.header("content-length").is_some())
    };
    match head {
        Ok(answer) if is_enough(&answer) => Ok(answer),
        Err(error @ (Error::NotPublic | Error::Unreachable)) => Err(error),
        _ => client.ask(Method::GET, url, &accepts, Vec::new(), if is_picture { PICTURE } else { PAGE }).await,
    }
}

/// What is to be said of an address.
fn said(address: &Address, there: &There) -> Vec<Finding> {
    let what = if address.is_picture { "picture" } else { "link" };
    let finding = |severity: Severity, code: &'static str, text: String| Finding {
        severity,
        code,
        place: address.place.clone(),
        line: Some(address.line),
        column: Some(address.column),
        text,
    };
    let mut found = Vec::new();
    if address.url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://")) {
        let text = format!("This {what} is asked for without encryption (http). Write https where the site has it.");
        found.push(finding(Severity::Warning, "not_https", text));
    }
    let broken = |text: String| finding(Severity::Warning, "address_broken", text);
    match there {
        There::Something { kind, bytes } if address.is_picture => {
            if !kind.is_empty() && !kind.starts_with("image/") && kind != "application/octet-stream" {
                let text = format!("There is no picture at this address, but {kind}. Name the picture itself.");
                found.push(finding(Severity::Warning, "no_picture", text));
            } else if let Some(bytes) = bytes.filter(|bytes| *bytes > LARGE) {
                let size = if bytes >= 1_000_000 {
                    format!("{:.1} MB", megabytes(bytes))
                } else {
                    format!("{} kB", bytes / 1000)
                };
                let text =
                    format!("This picture has {size} and comes late on a telephone. Make it smaller than 200 kB.");
                found.push(finding(Severity::Warning, "image_too_large", text));
            }
        }
        There::Something { .. } => {}
        There::Status(status) => {
            let hint = match status {
                404 | 410 => "Nothing is there.",
                401 | 403 => {
                    "It is not open to everybody, or to programs; open it in a private window to see what readers get."
                }
                429 => "It is asked too often just now; look again later.",
                500.. => "The site has a problem; look again later.",
                _ => "Open it to see what readers get.",
            };
            found.push(broken(format!("This {what} answers {status}. {hint}")));
        }
        There::Circle => found.push(broken(format!("This {what} leads on and on. Name where it ends."))),
        There::Nobody => {
            found.push(broken(format!("Nobody is reached where this {what} leads. Is the address right?")))
        }
        There::Silence => found.push(broken(format!("This {what} did not answer in time."))),
        There::Unfit => found.push(broken(format!("This {what} cannot be asked for. Is the address right?"))),
        There::Private => {
            let text = format!(
                "This {what} leads to a private address, inside a company's own network: readers cannot open it."
            );
            found.push(finding(Severity::Error, "address_private", text));
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
