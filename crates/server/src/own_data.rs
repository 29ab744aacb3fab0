//! "See my data", "delete my data" and "my points": whoever asks gets a mail at the address that is known, and its link does what was asked for.
//!
//! A link to preferences is passed on with forwarded mail, so it may ask, and not more. Whoever reads the mail to the address proves that it is theirs.
//!
//! Always holds: only somebody who is known by exactly one mail address can prove anything, when they ask and again when the link is used: whoever claims
//! to be somebody else on a site adds an address to them, and must not be shown what is kept of them. All others are answered by the company. The request
//! is noted in any case, and stays open until it is done.

use anyhow::Result;
use rapport_channels::mail::{self, Mail, Mailbox};
use rapport_channels::{Outcome, RefusalKind};
use rapport_domain::{Channel, Handle, Id, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::Class;
use rapport_engagement::plans::Plans;
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_engagement::sending::{Ask, policy};
use rapport_engagement::situations;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::records::members;
use rapport_privacy::proofs::{MOST_A_DAY, ONE_IN, Proofs, WORKS_FOR};
use rapport_privacy::records::proofs::{self, ProofRow};
use rapport_privacy::records::{requests, secrets};
use rapport_profiles::records::identifiers;
use rapport_store::{Priority, Queries, Tx};
use serde_json::{Value, json};

use crate::erasing::{self, Wanted};
use crate::installation::Installation;
use crate::member_links;
use crate::public_pages::member_door;
use crate::public_pages::preference_words::Words;
use crate::records::audit::AuditRow;
use crate::records::workspaces;
use crate::sending::Sender;

/// They want to see what is kept of them.
pub const ACCESS: &str = "access";
/// They want it to be deleted.
pub const ERASURE: &str = "erasure";
/// They want a link to their page of points; it is made when the mail is, and works for an hour.
pub const MEMBER_PAGE: &str = "member_page";
/// So many of these a day go to an address.
const MOST_PAGES_A_DAY: usize = 5;

/// So many mails are sent in one go.
const TOGETHER: i64 = 20;
/// Whoever has taken one has so long to say what became of it.
const LEASE: i64 = 5 * Timestamp::MINUTE;
/// The pause after the first failure; each next one is twice as long.
const PAUSE: i64 = Timestamp::MINUTE;
const LONGEST_PAUSE: i64 = 30 * Timestamp::MINUTE;

/// What comes of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A mail with a link goes to the address that is known.
    Mailed,
    /// Somebody of the company answers.
    Company,
}

/// Somebody asks; asked again, nothing more comes of it for a while.
///
/// # Errors
/// The store's.
pub async fn ask(
    sender: &Sender,
    workspace: WorkspaceId,
    person: PersonId,
    (kind, language): (&str, &str),
) -> Result<Asked> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let plans = installation.plans.get(installation, workspace).await?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let to = match only_address(&mut tx, workspace, person).await? {
        Some((handle, _)) if can_mail(sender, &plans) => {
            may_mail(&mut tx, workspace, &plans, person, now).await?.then_some(handle)
        }
        _ => None,
    };
    let wanted = Wanted { workspace, person, actor: "person", suppress: true };
    let mut row = match requests::open_of(&mut tx, workspace, person, kind).await? {
        Some(row) => row,
        None => erasing::request(installation, wanted, kind, "received"),
    };
    row.report = json!({ "mailed": to.is_some() });
    requests::save(&mut tx, workspace, &row).await?;
    if let Some(handle) = to {
        enqueue(installation, &mut tx, workspace, handle, (kind, language)).await?;
    }
    tx.commit().await?;
    Ok(if to.is_some() { Asked::Mailed } else { Asked::Company })
}

/// Has a mail sent, unless enough were, or one was a moment ago. Links to points and mails about data do not take each other's room.
async fn enqueue(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    handle: Handle,
    (kind, language): (&str, &str),
) -> Result<()> {
    let now = installation.clock.now();
    let is_page = kind == MEMBER_PAGE;
    let mut before = proofs::since(tx, workspace, handle, now.plus(-Timestamp::DAY)).await?;
    before.retain(|it| (it.kind == MEMBER_PAGE) == is_page);
    let most = if is_page { MOST_PAGES_A_DAY } else { usize::try_from(MOST_A_DAY)? };
    let is_under_way = |it: &ProofRow| it.kind == kind && it.used_at.is_none() && now.0 - it.made_at.0 < ONE_IN;
    if before.len() >= most || before.iter().any(is_under_way) {
        return Ok(());
    }
    let mut id = [0; 16];
    if is_page {
        // Of several who ask at the same moment one has it: the name is the same for all of them.
        let secret = secrets::ensure(tx, workspace, &*installation.rng).await?;
        let key = blake3::derive_key("rapport 2026-11 names of mails with links to points", &secret);
        let named = blake3::keyed_hash(&key, format!("{} {}", handle.0, now.0.div_euclid(ONE_IN)).as_bytes());
        id.copy_from_slice(&named.as_bytes()[..16]);
        if proofs::find(tx, workspace, id).await?.is_some() {
            return Ok(());
        }
    } else {
        installation.rng.fill(&mut id);
    }
    let proof = ProofRow {
        id,
        handle: Some(handle),
        kind: kind.to_owned(),
        language: language.to_owned(),
        made_at: now,
        expires_at: now.plus(if is_page { Timestamp::HOUR } else { WORKS_FOR }),
        due_at: Some(now),
        attempts: 0,
        sent_at: None,
        used_at: None,
    };
    Ok(proofs::insert(tx, workspace, &proof).await?)
}

/// Has a link to their page of points sent to whoever has this address, if it is the only one of a member who may be written to. Nobody is told whether it was.
///
/// # Errors
/// The store's.
pub async fn ask_for_page(sender: &Sender, workspace: WorkspaceId, email: &str, language: &str) -> Result<()> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let plans = installation.plans.get(installation, workspace).await?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let known = identifiers::by_values(&mut tx, workspace, IdentifierKind::Email, &[email.to_owned()]).await?;
    let Some(person) = known.into_iter().next().map(|row| row.person) else { return Ok(()) };
    let Some((handle, address)) = only_address(&mut tx, workspace, person).await? else { return Ok(()) };
    let is_theirs = address == email && page_of(&mut tx, workspace, person).await?.is_some();
    if is_theirs && may_mail(&mut tx, workspace, &plans, person, now).await? {
        enqueue(installation, &mut tx, workspace, handle, (MEMBER_PAGE, language)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whose page of points somebody has.
async fn page_of(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Option<MemberId>> {
    let found = members::by_persons(db, workspace, &[person]).await?.into_iter().next();
    Ok(found.filter(|it| it.standing != Standing::Closed).map(|it| it.member))
}

/// Whether mails of this kind can go out at all.
///
/// # Errors
/// The store's.
pub async fn mails_go_out(sender: &Sender, workspace: WorkspaceId) -> Result<bool> {
    let plans = sender.installation.plans.get(&sender.installation, workspace).await?;
    Ok(can_mail(sender, &plans))
}

/// The only mail address by which somebody is known, with its identifier.
async fn only_address(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
) -> Result<Option<(Handle, String)>> {
    let names = identifiers::by_persons(db, workspace, &[person]).await?;
    let mut mails = names.into_iter().filter(|row| row.kind == IdentifierKind::Email.as_str());
    Ok(mails.next().filter(|_| mails.next().is_none()).map(|row| (row.handle, row.value)))
}

fn can_mail(sender: &Sender, plans: &Plans) -> bool {
    sender.ways.smtp().is_some() && plans.settings.from.address.contains('@')
}

/// Whether a mail that somebody asks for may go to them: nothing goes to an address that is dead.
async fn may_mail(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    plans: &Plans,
    person: PersonId,
    now: Timestamp,
) -> Result<bool> {
    let people = situations::load(db, workspace, plans, &[person], now).await?;
    let ask = Ask {
        channel: Channel::Email,
        topic: None,
        class: Class::Transactional,
        priority: 0,
        quiet: None,
        chance: 0,
        since: now,
        drop_after: WORKS_FOR,
    };
    Ok(people.get(&person).is_some_and(|it| policy::forbidden(&ask, it, &plans.settings, now).is_none()))
}

/// Sends what is due; whether anything was.
///
/// # Errors
/// The store's.
pub async fn send_due(sender: &Sender) -> Result<bool> {
    let now = sender.installation.clock.now();
    let due = proofs::due(&mut sender.installation.store.read(), now, TOGETHER).await?;
    for (workspace, id) in &due {
        send(sender, *workspace, *id).await?;
    }
    Ok(!due.is_empty())
}

async fn send(sender: &Sender, workspace: WorkspaceId, id: proofs::Id) -> Result<()> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let plans = installation.plans.get(installation, workspace).await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    let Some(row) = proofs::find(&mut tx, workspace, id).await? else { return Ok(()) };
    let Some(due_at) = row.due_at.filter(|due| *due <= now) else { return Ok(()) };
    let to = match row.handle {
        Some(handle) if row.works(now) => prover(&mut tx, workspace, handle).await?,
        _ => None,
    };
    let Some((person, address)) = to else {
        // Too late, or not theirs alone any more: the company answers.
        proofs::note(&mut tx, id, None, None).await?;
        return Ok(tx.commit().await?);
    };
    if !may_mail(&mut tx, workspace, &plans, person, now).await? {
        proofs::note(&mut tx, id, None, None).await?;
        return Ok(tx.commit().await?);
    }
    if plans.settings.paused || !can_mail(sender, &plans) {
        proofs::note(&mut tx, id, None, Some(now.plus(PAUSE))).await?;
        return Ok(tx.commit().await?);
    }
    let secret = secrets::ensure(&mut tx, workspace, &*installation.rng).await?;
    let company = workspaces::find(&mut tx, workspace).await?.map(|row| row.name).unwrap_or_default();
    if !proofs::take(&mut tx, id, due_at, now.plus(LEASE)).await? {
        return Ok(());
    }
    tx.commit().await?;
    let Some(path) = path(installation, (workspace, &secret), (&row, person)).await? else {
        // They left meanwhile.
        return note(installation, workspace, &row, None).await;
    };
    let url = format!("{}{path}", sender.public_url());
    let outcome = match (sender.ways.smtp(), written(sender, &plans, &row, &company, (&address, &url))) {
        (Some(smtp), Ok(mail)) => smtp.send(&mail).await,
        (_, Err(error)) => {
            tracing::warn!(code = error.code(), "a mail about somebody's own data cannot be written");
            return note(installation, workspace, &row, None).await;
        }
        (None, _) => return Ok(()),
    };
    note(installation, workspace, &row, Some(outcome)).await
}

/// Where a mail's link leads; nowhere where there is no such page any more.
async fn path(
    installation: &Installation,
    (workspace, secret): (WorkspaceId, &[u8; 32]),
    (row, person): (&ProofRow, PersonId),
) -> Result<Option<String>> {
    if row.kind != MEMBER_PAGE {
        return Ok(Some(format!("/my-data/{}", Proofs::new(workspace, secret).make(row.id))));
    }
    let Some(member) = page_of(&mut installation.store.read(), workspace, person).await? else { return Ok(None) };
    let (link, _) = member_links::make(installation, workspace, member, None).await?;
    Ok(Some(member_links::path(&link)))
}

/// Notes what came of sending.
async fn note(
    installation: &Installation,
    workspace: WorkspaceId,
    row: &ProofRow,
    outcome: Option<Outcome>,
) -> Result<()> {
    let now = installation.clock.now();
    let doublings = u32::try_from(row.attempts).unwrap_or(0).min(5);
    let later = Some(now.plus((PAUSE << doublings).min(LONGEST_PAUSE))).filter(|at| *at < row.expires_at);
    let mut tx = installation.store.begin(Priority::Background).await?;
    match outcome {
        Some(Outcome::Accepted { .. }) => proofs::note(&mut tx, row.id, Some(now), None).await?,
        // A second copy has the same link.
        Some(Outcome::Unsure { .. }) => proofs::note(&mut tx, row.id, Some(now), later).await?,
        Some(Outcome::Refused(refusal)) => match refusal.kind {
            RefusalKind::Temporary | RefusalKind::Sender | RefusalKind::Policy => {
                proofs::note(&mut tx, row.id, None, later).await?;
            }
            kind => {
                proofs::note(&mut tx, row.id, None, None).await?;
                if let (RefusalKind::Recipient, Some(handle)) = (kind, row.handle) {
                    let channel = Channel::Email.as_str().to_owned();
                    let (reason, detail) = (addresses::BOUNCED.to_owned(), refusal.text);
                    let dead = DeadRow { handle, channel, topic: String::new(), reason, since: now, detail };
                    addresses::insert(&mut tx, workspace, &dead).await?;
                }
            }
        },
        None => proofs::note(&mut tx, row.id, None, None).await?,
    }
    Ok(tx.commit().await?)
}

fn written(
    sender: &Sender,
    plans: &Plans,
    row: &ProofRow,
    company: &str,
    (address, url): (&str, &str),
) -> Result<mail::Prepared, rapport_channels::Error> {
    let from = &plans.settings.from;
    let domain = from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let (subject, text) = if row.kind == MEMBER_PAGE {
        member_door::Words::tagged(&row.language).mail(company, url)
    } else {
        Words::tagged(&row.language).proof_mail(&row.kind, company, url)
    };
    let name: String = row.id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mail = Mail {
        message_id: mail::message_id(&format!("proof-{name}"), domain),
        date: row.made_at,
        from: Mailbox::new(&from.name, &from.address),
        reply_to: from.reply_to.as_ref().map(|address| Mailbox::new("", address)),
        return_path: sender.ways.return_path().map(str::to_owned),
        to: Mailbox::new("", address),
        subject,
        text,
        html: None,
        list_unsubscribe: None,
        headers: Vec::new(),
    };
    mail.prepare(&sender.ways.signers())
}

/// Whose address it is, when it is the only one of theirs.
async fn prover(db: &mut impl Queries, workspace: WorkspaceId, handle: Handle) -> Result<Option<(PersonId, String)>> {
    let Some(row) = identifiers::by_handles(db, workspace, &[handle]).await?.into_iter().next() else {
        return Ok(None);
    };
    let only = only_address(db, workspace, row.person).await?;
    Ok(only.filter(|(own, _)| *own == handle).map(|(_, address)| (row.person, address)))
}

/// What a link of such a mail opens to.
pub struct Proved {
    /// Where.
    pub workspace: WorkspaceId,
    /// The mail.
    pub proof: ProofRow,
    /// Who proved it; nobody when they were erased.
    pub person: Option<PersonId>,
    /// Whose page it is.
    pub company: String,
}

/// Opens a link; `None` when it is none of ours, or does not work any more.
///
/// # Errors
/// The store's.
pub async fn open(installation: &Installation, text: &str) -> Result<Option<Proved>> {
    let Some(workspace) = Proofs::workspace_of(text) else { return Ok(None) };
    let mut db = installation.store.snapshot().await?;
    let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
    let Some(id) = Proofs::new(workspace, &secret).open(text) else { return Ok(None) };
    let Some(proof) = proofs::find(&mut db, workspace, id).await?.filter(|it| it.kind != MEMBER_PAGE) else {
        return Ok(None);
    };
    let company = workspaces::find(&mut db, workspace).await?.map(|row| row.name).unwrap_or_default();
    let now = installation.clock.now();
    let is_erased = proof.kind == ERASURE && proof.handle.is_none() && proof.used_at.is_some();
    if is_erased && now < proof.expires_at {
        return Ok(Some(Proved { workspace, proof, person: None, company }));
    }
    let person = match proof.handle {
        Some(handle) if proof.works(now) => prover(&mut db, workspace, handle).await?,
        _ => None,
    };
    Ok(person.map(|(person, _)| Proved { workspace, proof, person: Some(person), company }))
}

/// All that is kept of whoever proved it; it is noted that they had it.
///
/// # Errors
/// Those of all stores.
pub async fn show(installation: &Installation, proved: &Proved) -> Result<Option<Value>> {
    let Some(person) = proved.person else { return Ok(None) };
    let workspace = proved.workspace;
    let Some(pack) = erasing::access(installation, workspace, person).await? else { return Ok(None) };
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    proofs::used(&mut tx, proved.proof.id, now).await?;
    if let Some(mut row) = requests::open_of(&mut tx, workspace, person, ACCESS).await? {
        row.state = "done".to_owned();
        row.finished_at = Some(now);
        row.report = json!({ "proved_by": "mail" });
        requests::save(&mut tx, workspace, &row).await?;
    }
    tx.commit().await?;
    Ok(Some(pack))
}

/// Erases whoever proved it, so that they do not come back.
///
/// # Errors
/// Those of all stores; what is not done by then is done at the next start.
pub async fn erase(sender: &Sender, pipeline: &crate::pipeline::Pipeline, proved: &Proved) -> Result<()> {
    let installation = &*sender.installation;
    let Some(person) = proved.person else { return Ok(()) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    proofs::used(&mut tx, proved.proof.id, installation.clock.now()).await?;
    tx.commit().await?;
    let wanted = Wanted { workspace: proved.workspace, person, actor: "person", suppress: true };
    erasing::erase(installation, pipeline, wanted).await?;
    Ok(())
}

/// What the audit log says of it: never who.
pub fn audit_row(installation: &Installation, workspace: WorkspaceId, kind: &str) -> AuditRow {
    AuditRow {
        id: Id::new("aud", &*installation.clock, &*installation.rng),
        workspace,
        at: installation.clock.now(),
        actor: "person".to_owned(),
        purpose: "service".to_owned(),
        action: format!("POST /my-data ({kind})"),
        status: 200,
    }
}
