//! Points that members send each other, by number or as a gift that whoever has its code claims.
//!
//! Always holds: whoever sends, claims, calls off or undoes holds the workspace's head from the first look to the last write, so that limits, points and row are one step that nobody is in
//! the midst of; the same id with the same wish is the same transfer, also one that was refused. Points of a gift are set aside in the lots that they lie in until it is claimed, called off or its
//! time is over: then they are there again, and lapse if their time was over meanwhile.
//!
//! Of a gift's code only a digest with the workspace's key is kept. The code itself is made of the key and the transfer's own id, so that whoever made the gift gets the same answer again.

mod read;
mod settle;

use rapport_domain::calendar::Interval;
use rapport_domain::{SeededRng, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Tx, args, sql};
use serde_json::json;

pub use read::{Filter, Used, by_id, find, list, of_members, open_of};
pub use settle::{are_due, cancel, claim, expire, reverse};

use super::members::Member;
use super::redemptions::Scene;
use super::{Memory, head, members, wallets};
use crate::ledger::{self, Act, Answer, Command, Expiry, MemberId, Source, Standing};
use crate::transfers::{Lapse, Refusal, Transfers};
use crate::{Error, codes};

/// The domain event of a gift that was made.
pub const GIFT_MADE: &str = "gift.made";
/// Of one that somebody claimed.
pub const GIFT_CLAIMED: &str = "gift.claimed";
/// Of one that was called off.
pub const GIFT_CANCELLED: &str = "gift.cancelled";
/// Of one that nobody claimed in time.
pub const GIFT_TIMED_OUT: &str = "gift.timed_out";
/// Of points that went back because staff said so.
pub const REVERSED: &str = "transfer.reversed";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "transfer:";

/// What came of asking; the store's errors apart.
pub type Outcome = Result<Result<Transfer, Refusal>, Error>;

/// A transfer.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Transfer {
    /// Its own id.
    pub transfer: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Who sends.
    pub sender: i64,
    /// Who gets it; of a gift only once it is claimed.
    pub receiver: Option<i64>,
    /// Whether it is a gift by code.
    pub is_gift: bool,
    /// Out of which wallet.
    pub wallet: String,
    /// How many points were meant.
    pub points: i64,
    /// How many arrived: fewer where some lapsed before a gift was claimed.
    pub arrived: i64,
    /// How many of these went back, once it was undone.
    pub returned: i64,
    /// `open`, `done`, `claimed`, `cancelled`, `timed_out`, `reversed` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub refused: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until before when a gift can be claimed.
    pub due_at: Option<Timestamp>,
    /// When it came to where it stands.
    pub settled_at: Option<Timestamp>,
    /// The ledger's operation by which the points arrived.
    pub operation: String,
    /// Why, in somebody's words.
    pub reason: String,
    /// A user, a key; `member` by the member's own page.
    pub made_by: String,
}

impl Transfer {
    /// Who sends.
    pub const fn sender(&self) -> MemberId {
        MemberId(self.sender)
    }

    /// Who gets it.
    pub fn receiver(&self) -> Option<MemberId> {
        self.receiver.map(MemberId)
    }

    /// The id of the operation by which the points leave, or are set aside.
    fn own_id(&self) -> String {
        format!("{OWN_IDS}{}", self.transfer)
    }

    /// The code by which a gift is claimed, as people read it.
    pub fn code(&self, key: &[u8; 32]) -> String {
        codes::shown(&code(key, &self.transfer))
    }
}

/// Where, when, by which programme, and the workspace's key for codes.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Where and when.
    pub scene: Scene<'a>,
    /// What digests of codes are made with.
    pub key: &'a [u8; 32],
}

/// Who wants to send what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Who sends.
    pub sender: MemberId,
    /// To whom; nobody yet, if it is a gift by code.
    pub receiver: Option<MemberId>,
    /// Out of which wallet; the first that may be sent from, unless said.
    pub wallet: Option<&'a str>,
    /// How many.
    pub points: i64,
    /// A user, a key; `member` by the member's own page.
    pub by: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
}

impl Asked<'_> {
    fn fingerprint(&self) -> [u8; 16] {
        let content = (self.sender, self.receiver, self.wallet, self.points, self.reason);
        let content = serde_json::to_vec(&content).expect("plain values become JSON");
        blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }

    fn is_readable(&self) -> bool {
        let is_short = |text: &str| text.len() <= ledger::REFERENCE_MAX && !text.contains('\0');
        !self.id.is_empty() && [self.id, self.by, self.reason].into_iter().all(is_short)
    }
}

/// Sends points, or sets them aside as a gift, or says why not.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn make(tx: &mut Tx, desk: Desk<'_>, asked: Asked<'_>) -> Outcome {
    if !asked.is_readable() {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    let workspace = desk.scene.workspace;
    // From here on nobody else sends or posts.
    head::lock(tx, workspace).await?;
    if let Some(earlier) = by_id(tx, workspace, asked.id).await? {
        return Ok(answer(earlier, asked.fingerprint()));
    }
    let row = asked_row(desk.scene, asked);
    let refusal = match decide(tx, desk.scene, asked).await? {
        Ok((rules, wallet)) => match send(tx, desk, row.clone(), (rules, wallet)).await? {
            Ok(row) => return Ok(Ok(row)),
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    if refusal.uses_up_the_id() {
        write(tx, desk, &Transfer { refused: Some(refusal.code().to_owned()), ..row }).await?;
    }
    Ok(Err(refusal))
}

/// What was answered before, or that the id stands for something else.
fn answer(earlier: Transfer, fingerprint: [u8; 16]) -> Result<Transfer, Refusal> {
    if earlier.fingerprint != fingerprint {
        return Err(Refusal::IdReused);
    }
    match earlier.refused.as_deref() {
        None => Ok(earlier),
        Some(code) => Err(Refusal::read(code).unwrap_or(Refusal::NotNow)),
    }
}

fn asked_row(scene: Scene<'_>, asked: Asked<'_>) -> Transfer {
    Transfer {
        transfer: format!("trf_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64()),
        id: asked.id.to_owned(),
        fingerprint: asked.fingerprint(),
        sender: asked.sender.0,
        receiver: asked.receiver.map(|it| it.0),
        is_gift: asked.receiver.is_none(),
        wallet: asked.wallet.unwrap_or_default().to_owned(),
        points: asked.points,
        arrived: 0,
        returned: 0,
        state: "refused".to_owned(),
        refused: None,
        made_at: scene.now,
        due_at: None,
        settled_at: None,
        operation: String::new(),
        reason: asked.reason.to_owned(),
        made_by: asked.by.to_owned(),
    }
}

/// Whether the programme lets it happen, by which rules, and out of which wallet.
async fn decide<'a>(
    tx: &mut Tx,
    scene: Scene<'a>,
    asked: Asked<'a>,
) -> Result<Result<(&'a Transfers, &'a str), Refusal>, Error> {
    let Some(rules) = &scene.program.transfers else { return Ok(Err(Refusal::Off)) };
    let wallet = asked.wallet.or_else(|| rules.wallets.first().map(String::as_str));
    let Some(wallet) = wallet.filter(|wallet| rules.wallets.iter().any(|it| it == wallet)) else {
        return Ok(Err(Refusal::Off));
    };
    if asked.receiver.is_none() && rules.claim_days.is_none() {
        return Ok(Err(Refusal::GiftsOff));
    }
    match asked.points {
        0 => return Ok(Err(Refusal::Ledger(ledger::Refusal::AmountZero))),
        ..0 => return Ok(Err(Refusal::Ledger(ledger::Refusal::AmountNegative))),
        _ => {}
    }
    let sender = match member(tx, scene.workspace, asked.sender, SENDER).await? {
        Ok(sender) => sender,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(number) = asked.receiver {
        let receiver = match member(tx, scene.workspace, number, RECEIVER).await? {
            Ok(receiver) => receiver,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if receiver.member == sender.member {
            return Ok(Err(Refusal::Ledger(ledger::Refusal::TransferToSelf)));
        }
        if let Err(refusal) = room_in(tx, scene, rules, (receiver.member, wallet), asked.points).await? {
            return Ok(Err(refusal));
        }
    }
    if let Err(refusal) = rules.allows(asked.points, sender.enrolled_at, scene.now) {
        return Ok(Err(refusal));
    }
    let used = used(tx, scene, sender.member, wallet).await?;
    Ok(rules.has_room_out(asked.points, used.sent, used.times).map(|()| (rules, wallet)))
}

type Side = [Refusal; 3];
const SENDER: Side = [Refusal::MemberUnknown, Refusal::MemberClosed, Refusal::MemberBlocked];
const RECEIVER: Side = [Refusal::ReceiverUnknown, Refusal::ReceiverClosed, Refusal::ReceiverBlocked];

/// A member who may send or get something, or why not.
async fn member(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    number: MemberId,
    [unknown, closed, blocked]: Side,
) -> rapport_store::Result<Result<Member, Refusal>> {
    let Some(member) = members::find(db, workspace, number).await? else { return Ok(Err(unknown)) };
    Ok(match member.standing {
        Standing::Active => Ok(member),
        Standing::Blocked => Err(blocked),
        Standing::Closed | Standing::Merged => Err(closed),
        Standing::Unknown => Err(unknown),
    })
}

/// Whether a member may get so many more this year.
async fn room_in(
    db: &mut impl Queries,
    scene: Scene<'_>,
    rules: &Transfers,
    to: (MemberId, &str),
    points: i64,
) -> rapport_store::Result<Result<(), Refusal>> {
    let (begins, ends) = year(scene);
    let got = read::got(db, scene.workspace, to, begins, ends).await?;
    Ok(rules.has_room_in(points, got))
}

fn year(scene: Scene<'_>) -> (Timestamp, Timestamp) {
    let begins = scene.calendar.floor(scene.now, Interval::Year);
    (begins, scene.calendar.next(begins, Interval::Year))
}

/// How much of the year's limits a member has used in a wallet.
///
/// # Errors
/// The store's.
pub async fn used(
    db: &mut impl Queries,
    scene: Scene<'_>,
    member: MemberId,
    wallet: &str,
) -> rapport_store::Result<Used> {
    let (from, to) = year(scene);
    read::sent(db, scene.workspace, (member, wallet), from, to).await
}

/// Moves the points, or sets them aside.
async fn send(tx: &mut Tx, desk: Desk<'_>, mut row: Transfer, (rules, wallet): (&Transfers, &str)) -> Outcome {
    let now = desk.scene.now;
    wallet.clone_into(&mut row.wallet);
    let operation = row.own_id();
    let days = i64::from(rules.claim_days.unwrap_or_default());
    row.due_at = row.is_gift.then(|| now.plus(days * Timestamp::DAY));
    let act = match (row.receiver(), row.due_at) {
        (Some(to), _) => Act::Transfer { to, amount: row.points, expiry: expiry(desk.scene, wallet) },
        (None, until) => Act::Hold { amount: row.points, until: until.unwrap_or(now) },
    };
    let answer = match post(tx, desk.scene, &row, operation.clone(), act).await? {
        Ok(answer) => answer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if row.is_gift {
        "open".clone_into(&mut row.state);
    } else {
        "done".clone_into(&mut row.state);
        (row.operation, row.arrived, row.settled_at) = (operation, answer.amount, Some(now));
    }
    write(tx, desk, &row).await?;
    if row.is_gift {
        tell(tx, desk.scene, &row, GIFT_MADE).await?;
    }
    Ok(Ok(row))
}

/// When points lapse for whoever gets them.
fn expiry(scene: Scene<'_>, wallet: &str) -> Expiry {
    let anew = scene.program.transfers.as_ref().is_some_and(|it| it.expiry == Lapse::Anew);
    match scene.program.wallet(wallet).filter(|_| anew) {
        None => Expiry::Keep,
        Some(plan) => Expiry::Reset { expires_at: plan.expiry.end(scene.now, &scene.calendar.zone) },
    }
}

/// Posts for a transfer.
async fn post(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Transfer,
    id: String,
    act: Act,
) -> Result<Result<Answer, Refusal>, Error> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    let unknown = Refusal::Ledger(ledger::Refusal::WalletUnknown);
    let Some(wallet) = numbers.get(&row.wallet).copied() else { return Ok(Err(unknown)) };
    let source = Source {
        kind: "transfer".to_owned(),
        reference: row.transfer.clone(),
        by: row.made_by.clone(),
        reason: row.reason.clone(),
        asked: None,
    };
    let list = [vec![Command { id, member: row.sender(), wallet, act, source }]];
    // Nothing of it may be remembered before the caller commits.
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &list, scene.now).await?;
    let answer = answers.into_iter().flatten().next().expect("one command has one answer");
    Ok(match answer.refused {
        Some(refusal) => Err(Refusal::Ledger(refusal)),
        None => Ok(answer),
    })
}

/// A gift's code, as it is looked up.
fn code(key: &[u8; 32], transfer: &str) -> String {
    let seed = blake3::keyed_hash(key, format!("code {transfer}").as_bytes());
    let seed = seed.as_bytes()[..8].try_into().expect("a hash has 32 bytes");
    codes::generate(&SeededRng::new(u64::from_le_bytes(seed)))
}

/// What is kept of a code.
fn digest(key: &[u8; 32], lookup: &str) -> [u8; 32] {
    *blake3::keyed_hash(key, format!("digest {lookup}").as_bytes()).as_bytes()
}

/// Says what happened, without words, codes or who the other is.
async fn tell(tx: &mut Tx, scene: Scene<'_>, row: &Transfer, name: &'static str) -> Result<(), Error> {
    let person = members::find(tx, scene.workspace, row.sender()).await?.and_then(|it| it.person);
    let payload = json!({
        "transfer": row.transfer, "member": row.sender.to_string(), "wallet": row.wallet, "points": row.points, "arrived": row.arrived,
        "returned": row.returned, "state": row.state,
    });
    let event = Event::new(scene.workspace, name, payload);
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
    Ok(())
}

async fn write(tx: &mut Tx, desk: Desk<'_>, row: &Transfer) -> Result<(), Error> {
    let save = sql!(
        "INSERT INTO loyalty_transfers (workspace, transfer, id, fingerprint, sender, receiver, is_gift, wallet, points, arrived, returned, state, refused,
             digest, made_at, due_at, settled_at, operation, reason, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (transfer, workspace) DO UPDATE SET receiver = EXCLUDED.receiver, arrived = EXCLUDED.arrived, returned = EXCLUDED.returned,
             state = EXCLUDED.state, due_at = EXCLUDED.due_at, settled_at = EXCLUDED.settled_at, operation = EXCLUDED.operation, reason = EXCLUDED.reason"
    );
    let has_code = row.is_gift && row.refused.is_none();
    let digest = has_code.then(|| digest(desk.key, &code(desk.key, &row.transfer)).to_vec());
    let values = args![
        desk.scene.workspace,
        &row.transfer,
        &row.id,
        row.fingerprint,
        row.sender,
        row.receiver,
        row.is_gift,
        &row.wallet,
        row.points,
        row.arrived,
        row.returned,
        &row.state,
        row.refused.clone(),
        digest,
        row.made_at,
        row.due_at,
        row.settled_at,
        &row.operation,
        &row.reason,
        &row.made_by,
    ];
    tx.execute(save, values).await?;
    Ok(())
}

/// What one sent or got, the other did, who goes on for both.
pub(super) async fn merge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
) -> rapport_store::Result<()> {
    let sent = sql!("UPDATE loyalty_transfers SET sender = $3 WHERE sender = $2 AND workspace = $1");
    tx.execute(sent, args![workspace, from.0, to.0]).await?;
    let got = sql!("UPDATE loyalty_transfers SET receiver = $3 WHERE receiver = $2 AND workspace = $1");
    tx.execute(got, args![workspace, from.0, to.0]).await.map(drop)
}

/// Empties what staff and members wrote, also of what they got; how many there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> rapport_store::Result<u64> {
    let sent =
        sql!("UPDATE loyalty_transfers SET reason = '' WHERE sender IN ($2) AND workspace = $1 AND reason <> ''");
    let sent = tx.execute(sent, args![workspace, numbers]).await?;
    let got =
        sql!("UPDATE loyalty_transfers SET reason = '' WHERE receiver IN ($2) AND workspace = $1 AND reason <> ''");
    Ok(sent + tx.execute(got, args![workspace, numbers]).await?)
}
