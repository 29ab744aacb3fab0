//! Points that a member sends another on their own page, by number or as a gift by code, and gifts that they claim: what may be sent is said first, and everything is looked at on a page
//! of its own before it is done.
//!
//! Always holds: the look is the act itself, called off before it is written, so that what it shows is what is done and what it refuses is what is refused; the same form again is the same
//! transfer; codes of gifts that wait are shown to whoever made them, and to nobody else.
//!
//! Does not: decide what may be sent (`loyalty::transfers`).

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use rapport_domain::{Calendar, Timestamp};
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::program::{Program, WalletPlan};
use rapport_loyalty::records::transfers::{self, Asked, Desk, Transfer};
use rapport_loyalty::records::{read as ledger, wallets};
use rapport_loyalty::transfers::{Lapse, Refusal, Transfers};
use rapport_store::Tx;

use super::sending_words::SendingWords;
use super::view::shown;
use super::words::Words;
use super::{BY, OWN_IDS, Visit, word};
use crate::api::loyalty::redemptions::Present;
use crate::api::loyalty::transfers::{claimed, settled};
use crate::app::App;
use crate::http::form::parameter;
use crate::points::gifts;
use crate::problem::Result;
use crate::public_pages::{page, see_other};

/// The section.
pub struct Sending {
    pub words: &'static SendingWords,
    /// The number that others send to.
    pub number: String,
    /// From which wallets they send; none while they may not.
    pub wallets: Vec<SendingWallet>,
    /// Why they may not now.
    pub hindrance: Option<String>,
    /// Whether gifts by code are made.
    pub has_gifts: bool,
    /// Gifts that nobody has claimed yet.
    pub open: Vec<OpenGift>,
}

/// A wallet that points may be sent from.
pub struct SendingWallet {
    pub key: String,
    pub name: String,
    /// What is to be known before anything is sent.
    pub limits: Vec<String>,
}

/// A gift that waits.
pub struct OpenGift {
    pub transfer: String,
    pub amount: String,
    pub code: String,
    /// Until when, in words.
    pub until: String,
}

/// What is about to be done.
#[derive(Template)]
#[template(path = "member_confirm.html")]
struct Confirm {
    words: &'static Words,
    sending: &'static SendingWords,
    company: String,
    action: String,
    question: String,
    notes: Vec<String>,
    /// The fields of the form by which it is done.
    fields: Vec<(&'static str, String)>,
}

/// Reads the section; nothing where the programme lets nobody send and the member has no gift that waits.
///
/// # Errors
/// The store's, or that there is no programme.
pub(super) async fn read(app: &App, visit: &Visit<'_>) -> Result<Option<Sending>> {
    let present = Present::read(app, visit.workspace).await?;
    let scene = present.scene(app, visit.workspace)?;
    let (words, member) = (SendingWords::of(visit.words.tag), &visit.member);
    let mut db = app.installation.store.read();
    let waiting = transfers::open_of(&mut db, visit.workspace, member.member).await?;
    let dates = Dates { words: visit.words, calendar: scene.calendar };
    let open = gifts_of(app, visit, (scene.program, &dates), waiting).await?;
    let Some(rules) = scene.program.transfers.as_ref().filter(|_| member.standing != Standing::Closed) else {
        return Ok((!open.is_empty()).then(|| Sending {
            words,
            number: String::new(),
            wallets: Vec::new(),
            hindrance: None,
            has_gifts: false,
            open,
        }));
    };
    let may_from = member.enrolled_at.plus(i64::from(rules.member_days) * Timestamp::DAY);
    let hindrance = if member.standing != Standing::Active {
        Some(words.refusal(visit.words, Refusal::MemberBlocked).to_owned())
    } else {
        (scene.now < may_from).then(|| Words::filled(words.sends_from, &dates.day(may_from)))
    };
    let mut shown = Vec::new();
    if hindrance.is_none() {
        for plan in rules.wallets.iter().filter_map(|key| scene.program.wallet(key)) {
            let used = transfers::used(&mut db, scene, member.member, &plan.key).await?;
            shown.push(wallet(words, (scene.program, rules, plan), used));
        }
    }
    Ok(Some(Sending {
        words,
        number: member.member.0.to_string(),
        wallets: shown,
        hindrance,
        has_gifts: rules.claim_days.is_some() && member.standing == Standing::Active,
        open,
    }))
}

/// How days are written.
struct Dates<'a> {
    words: &'static Words,
    calendar: &'a Calendar,
}

impl Dates<'_> {
    fn day(&self, at: Timestamp) -> String {
        let date = self.calendar.date(at);
        self.words.date(date.year(), date.month(), date.day())
    }
}

async fn gifts_of(
    app: &App,
    visit: &Visit<'_>,
    (program, dates): (&Program, &Dates<'_>),
    waiting: Vec<Transfer>,
) -> Result<Vec<OpenGift>> {
    let now = app.now();
    let waiting: Vec<Transfer> = waiting.into_iter().filter(|it| it.due_at.is_some_and(|due| now < due)).collect();
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let words = SendingWords::of(visit.words.tag);
    let key = gifts::known_key(&app.installation, visit.workspace).await?;
    let shown = |it: Transfer| OpenGift {
        amount: amount(program, &it.wallet, it.points),
        code: it.code(&key),
        until: it.due_at.map(|due| Words::filled(words.waits_until, &dates.day(due.plus(-1)))).unwrap_or_default(),
        transfer: it.transfer,
    };
    Ok(waiting.into_iter().map(shown).collect())
}

fn amount(program: &Program, wallet: &str, points: i64) -> String {
    program.wallet(wallet).map_or_else(|| points.to_string(), |plan| shown(plan, points))
}

/// What a member must know before they send out of a wallet.
fn wallet(
    words: &'static SendingWords,
    (program, rules, plan): (&Program, &Transfers, &WalletPlan),
    used: transfers::Used,
) -> SendingWallet {
    let count = |points: i64| amount(program, &plan.key, points.max(0));
    let left = rules.out_per_year.map(|most| most - used.sent);
    let times = rules.times_per_year.map(|most| (i64::from(most) - used.times).max(0));
    let mut limits = vec![match rules.most {
        Some(most) => words.two(words.from_to, &count(rules.least), &count(most)),
        None => Words::filled(words.at_least, &count(rules.least)),
    }];
    limits.extend(left.map(|left| Words::filled(words.left_this_year, &count(left))));
    limits.extend(times.map(|times| Words::filled(words.times_this_year, &times.to_string())));
    limits.push(match rules.expiry {
        Lapse::Keep => words.lapse_kept.to_owned(),
        Lapse::Anew => words.lapse_anew.to_owned(),
    });
    limits.extend(rules.in_per_year.map(|most| Words::filled(words.gets_per_year, &count(most))));
    SendingWallet { key: plan.key.clone(), name: plan.name.clone(), limits }
}

/// Does what a form asks for: `send`, `claim` or `call_back`. The first two are shown first, and done when the form says `sure`.
///
/// # Errors
/// The store's.
pub(super) async fn act(app: &App, visit: &Visit<'_>, act: &str, form: &str) -> Result<Response> {
    let is_sure = parameter(form, "sure").as_deref() == Some("yes");
    let outcome = match act {
        "send" => send(app, visit, form, is_sure).await?,
        "claim" => claim(app, visit, form, is_sure).await?,
        _ => call_back(app, visit, form).await?,
    };
    let words = SendingWords::of(visit.words.tag);
    match outcome {
        Ok(Next::Done(done)) => Ok(see_other(&format!("{}&done={done}#sending", visit.address(visit.words.tag)), None)),
        Ok(Next::Wait) => visit.page(app, Some(visit.words.too_often), Some(StatusCode::TOO_MANY_REQUESTS)).await,
        Ok(Next::Ask(template)) => Ok(visit.framed(page(StatusCode::OK, &*template))),
        Err(refusal) => {
            let status = if refusal.is_a_guess() { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
            visit.page(app, Some(words.refusal(visit.words, refusal)), Some(status)).await
        }
    }
}

/// What comes next: it is done, or it is asked whether it shall be.
enum Next {
    Done(&'static str),
    Ask(Box<Confirm>),
    /// Too many wrong codes were tried.
    Wait,
}

type Step = Result<std::result::Result<Next, Refusal>>;

/// What a member wrote into a field for a number, with spaces or thousands apart; more than there can be is as much as there can be.
fn whole(text: &str) -> Option<i64> {
    let digits: String = text.chars().filter(|it| !it.is_whitespace() && *it != ',').collect();
    let is_whole = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    digits.parse().ok().or(is_whole.then_some(i64::MAX))
}

async fn send(app: &App, visit: &Visit<'_>, form: &str, is_sure: bool) -> Step {
    let of = |name: &str| parameter(form, name).unwrap_or_default();
    let is_gift = of("how") == "gift";
    let receiver = whole(&of("to")).filter(|number| *number > 0 && !is_gift).map(MemberId);
    if receiver.is_none() && !is_gift {
        return Ok(Err(Refusal::ReceiverUnknown));
    }
    let Some(points) = whole(&of("points")) else { return Ok(Err(Refusal::BelowLeast)) };
    let sent = of("id");
    let is_word = sent.len() == 32 && sent.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Whoever is sure was asked: their form has the word of that question.
    let id = match (is_sure, is_word) {
        (true, false) => return Ok(Err(Refusal::NotNow)),
        (true, true) => sent,
        (false, _) => word(app),
    };
    let (member, wallet) = (visit.member.member, of("wallet"));
    let name = format!("{OWN_IDS}{}:{id}", member.0);
    let asked = Asked {
        id: &name,
        sender: member,
        receiver,
        wallet: Some(wallet.as_str()).filter(|wallet| !wallet.is_empty()),
        points,
        by: BY,
        reason: "",
    };
    let make = async |tx: &mut Tx, desk: Desk<'_>| transfers::make(tx, desk, asked).await;
    let row = match settled(app, visit.workspace, is_sure, make).await? {
        (Ok(row), _) => row,
        (Err(refusal), _) => return Ok(Err(refusal)),
    };
    if is_sure {
        return Ok(Ok(Next::Done(if is_gift { "gift" } else { "sent" })));
    }
    let fields = vec![
        ("act", "send".to_owned()),
        ("sure", "yes".to_owned()),
        ("id", id),
        ("how", if is_gift { "gift" } else { "number" }.to_owned()),
        ("to", receiver.map(|it| it.0.to_string()).unwrap_or_default()),
        ("wallet", row.wallet.clone()),
        ("points", points.to_string()),
    ];
    Ok(Ok(Next::Ask(Box::new(asking(app, visit, &row, fields).await?))))
}

/// The page that asks whether points shall be sent.
async fn asking(app: &App, visit: &Visit<'_>, row: &Transfer, fields: Vec<(&'static str, String)>) -> Result<Confirm> {
    let present = Present::read(app, visit.workspace).await?;
    let program = present.program()?;
    let words = SendingWords::of(visit.words.tag);
    let mut db = app.installation.store.read();
    let numbers = wallets::numbers(&mut db, visit.workspace).await?;
    let accounts = ledger::accounts(&mut db, visit.workspace, &[visit.member.member], app.now()).await?;
    let own = numbers.get(&row.wallet).and_then(|wallet| accounts.get(&(visit.member.member, *wallet)));
    let has = own.map_or(0, |account| account.balance().available);
    let count = |points: i64| amount(program, &row.wallet, points);
    let mut notes = vec![words.two(words.has_and_left, &count(has), &count(has - row.points))];
    let dates = Dates { words: visit.words, calendar: &present.calendar };
    match row.due_at {
        Some(due) => notes.push(Words::filled(words.gift_waits, &dates.day(due.plus(-1)))),
        None => notes.push(words.is_final.to_owned()),
    }
    let sent = named(program, row);
    let question = match row.receiver {
        Some(to) => words.two(words.send_question, &sent, &to.to_string()),
        None => Words::filled(words.gift_question, &sent),
    };
    confirm(app, visit, question, notes, fields).await
}

/// So many of what: `250 Points`.
fn named(program: &Program, row: &Transfer) -> String {
    let name = program.wallet(&row.wallet).map_or("", |plan| plan.name.as_str());
    format!("{} {name}", amount(program, &row.wallet, row.points)).trim_end().to_owned()
}

async fn confirm(
    app: &App,
    visit: &Visit<'_>,
    question: String,
    notes: Vec<String>,
    fields: Vec<(&'static str, String)>,
) -> Result<Confirm> {
    Ok(Confirm {
        words: visit.words,
        sending: SendingWords::of(visit.words.tag),
        company: visit.company(app).await?,
        action: visit.address(visit.words.tag),
        question,
        notes,
        fields,
    })
}

async fn claim(app: &App, visit: &Visit<'_>, form: &str, is_sure: bool) -> Step {
    let code = parameter(form, "code").unwrap_or_default();
    let row = match claimed(app, (visit.workspace, BY), (&code, visit.member.member), is_sure).await {
        Ok(Ok(row)) => row,
        Ok(Err(refusal)) => return Ok(Err(refusal)),
        Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS => return Ok(Ok(Next::Wait)),
        Err(problem) => return Err(problem),
    };
    if is_sure {
        return Ok(Ok(Next::Done("claimed")));
    }
    let present = Present::read(app, visit.workspace).await?;
    let words = SendingWords::of(visit.words.tag);
    let program = present.program()?;
    let arrives = Transfer { points: row.arrived, ..row };
    let question = Words::filled(words.claim_question, &named(program, &arrives));
    let fields = vec![("act", "claim".to_owned()), ("sure", "yes".to_owned()), ("code", code)];
    let notes = vec![words.claim_note.to_owned()];
    Ok(Ok(Next::Ask(Box::new(confirm(app, visit, question, notes, fields).await?))))
}

async fn call_back(app: &App, visit: &Visit<'_>, form: &str) -> Step {
    let transfer = parameter(form, "transfer").unwrap_or_default();
    let member = visit.member.member;
    let cancel = async |tx: &mut Tx, desk: Desk<'_>| transfers::cancel(tx, desk, &transfer, Some(member), "").await;
    let (outcome, _) = settled(app, visit.workspace, true, cancel).await?;
    Ok(outcome.map(|_| Next::Done("called_back")))
}
