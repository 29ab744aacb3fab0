//! Points that members give each other: to a member at once, or as a gift that waits until somebody takes it by its code.
//!
//! Always holds: whoever asks cannot approve; a gift's points are set aside by a hold of the ledger, which ends at the very instant at which the gift does; who takes it gets them in the transaction that
//! writes it down, so that of several at once one does; the same id with the same words is the same transfer. Of a code only its hash is kept.
//!
//! Does not: know who may ask or approve; whoever calls says who it is.

use rapport_domain::calendar::Interval;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Tx, args, sql};

use super::redemptions::Scene;
use super::{Memory, head, members, post, read, wallets};
use crate::Error;
use crate::codes;
use crate::ledger::{self, Act, Command, Expiry, MemberId, REFERENCE_MAX, Source, Standing, WalletId};
use crate::program::WalletPlan;
use crate::transfers::{Refusal, Sender, Transfers, Year};

/// What the ids of operations begin with that are made here.
pub const OWN_IDS: [&str; 2] = ["transfer:", "gift:"];

/// A transfer or a gift.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Transfer {
    /// Its own id.
    pub transfer: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// `transfer` or `gift`.
    pub kind: String,
    /// Who gives.
    pub sender: i64,
    /// Who gets it; nobody yet of a gift.
    pub receiver: Option<i64>,
    /// Which wallet.
    pub wallet: String,
    /// How many.
    pub amount: i64,
    /// What the one says to the other.
    pub message: String,
    /// `asked`: it waits for approval; `open`: a gift waits to be taken; `done`; `declined`, `cancelled`, `lapsed`, or `refused` by the ledger.
    pub state: String,
    /// Why the ledger refused it.
    pub refused: Option<String>,
    /// The hash of a gift's code.
    pub code: Option<Vec<u8>>,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// From when on nobody can approve it, or take it, any more.
    pub lapses_at: Timestamp,
    /// Who approved or declined it, where that was needed.
    pub decided_by: String,
    /// When it was over.
    pub settled_at: Option<Timestamp>,
}

/// Who asks for which transfer.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Who gives.
    pub sender: MemberId,
    /// Who gets it; a gift without.
    pub receiver: Option<MemberId>,
    /// Which wallet.
    pub wallet: &'a WalletPlan,
    /// How many.
    pub amount: i64,
    /// What the one says to the other.
    pub message: &'a str,
    /// Who asks.
    pub by: &'a str,
}

impl Asked<'_> {
    fn fingerprint(&self) -> [u8; 16] {
        let content = (self.sender, self.receiver, &self.wallet.key, self.amount, self.message);
        let content = serde_json::to_vec(&content).expect("plain values become JSON");
        blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }

    /// What is wrong whatever the state.
    fn malformed(&self) -> Option<Refusal> {
        let is_short = |text: &str| text.len() <= REFERENCE_MAX - 20 && !text.contains('\0');
        if self.id.is_empty() || ![self.id, self.message].into_iter().all(is_short) {
            return Some(Refusal::Ledger(ledger::Refusal::IdMalformed));
        }
        match self.amount {
            0 => Some(Refusal::Ledger(ledger::Refusal::AmountZero)),
            ..0 => Some(Refusal::Ledger(ledger::Refusal::AmountNegative)),
            amount if amount > self.wallet.amount_max => Some(Refusal::Ledger(ledger::Refusal::AmountTooLarge)),
            _ => None,
        }
    }
}

/// What came of it: the transfer, and a gift's code, which is told this once.
pub type Sent = (Transfer, Option<String>);

/// Gives points, or asks somebody to approve it.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn send(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>) -> Result<Result<Sent, Refusal>, Error> {
    if let Some(refusal) = asked.malformed() {
        return Ok(Err(refusal));
    }
    head::lock(tx, scene.workspace).await?;
    if let Some(earlier) = by_id(tx, scene, asked.id).await? {
        let is_same = earlier.fingerprint == asked.fingerprint();
        return Ok(if is_same { Ok((earlier.standing_at(scene.now), None)) } else { Err(Refusal::IdReused) });
    }
    let rules = scene.program.transfers.as_ref().filter(|it| it.concerns(scene.program, &asked.wallet.key));
    let Some(rules) = rules else { return Ok(Err(Refusal::NotOffered)) };
    let parties = match may(tx, scene, rules, asked).await? {
        Ok(parties) => parties,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let code = asked.receiver.is_none().then(|| codes::generate(scene.rng));
    let hours = i64::from(scene.program.staff.approve_within_hours);
    let mut row = Transfer {
        transfer: format!("trf_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64()),
        id: asked.id.to_owned(),
        fingerprint: asked.fingerprint(),
        kind: if code.is_some() { "gift" } else { "transfer" }.to_owned(),
        sender: parties.0.0,
        receiver: parties.1.map(|it| it.0),
        wallet: asked.wallet.key.clone(),
        amount: asked.amount,
        message: asked.message.to_owned(),
        state: "asked".to_owned(),
        refused: None,
        code: code.as_deref().map(hashed),
        asked_by: asked.by.to_owned(),
        asked_at: scene.now,
        lapses_at: scene.now.plus(hours * Timestamp::HOUR),
        decided_by: String::new(),
        settled_at: None,
    };
    if !rules.needs_approval(asked.amount) {
        enter(tx, scene, rules, &mut row).await?;
    }
    write(tx, scene.workspace, &row).await?;
    Ok(Ok((row, code)))
}

/// Whether the programme lets them; their numbers now.
async fn may(
    tx: &mut Tx,
    scene: Scene<'_>,
    rules: &Transfers,
    asked: Asked<'_>,
) -> Result<Result<(MemberId, Option<MemberId>), Refusal>, Error> {
    let Scene { workspace, now, .. } = scene;
    let Some(sender) = members::find(tx, workspace, asked.sender).await? else { return Ok(Err(Refusal::MemberUnknown)) };
    match sender.standing {
        Standing::Active => {}
        Standing::Blocked => return Ok(Err(Refusal::MemberBlocked)),
        Standing::Unknown | Standing::Closed | Standing::Merged => return Ok(Err(Refusal::MemberClosed)),
    }
    let year = year(tx, scene, sender.member, &asked.wallet.key).await?;
    let old_enough = old_enough(tx, scene, rules, (sender.member, asked.wallet)).await?;
    let from = Sender { enrolled_at: sender.enrolled_at, year, old_enough };
    if let Err(refusal) = rules.may_send(asked.amount, from, now) {
        return Ok(Err(refusal));
    }
    let Some(receiver) = asked.receiver else { return Ok(Ok((sender.member, None))) };
    let receiver = may_receive(tx, scene, rules, (sender.member, receiver), (&asked.wallet.key, asked.amount)).await?;
    Ok(receiver.map(|receiver| (sender.member, Some(receiver))))
}

async fn may_receive(
    tx: &mut Tx,
    scene: Scene<'_>,
    rules: &Transfers,
    (sender, receiver): (MemberId, MemberId),
    (wallet, amount): (&str, i64),
) -> Result<Result<MemberId, Refusal>, Error> {
    let Some(receiver) = members::find(tx, scene.workspace, receiver).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    if !matches!(receiver.standing, Standing::Active | Standing::Blocked) {
        return Ok(Err(Refusal::MemberClosed));
    }
    if receiver.member == sender {
        return Ok(Err(Refusal::ToSelf));
    }
    let year = year(tx, scene, receiver.member, wallet).await?;
    Ok(rules.may_receive(amount, year).map(|()| receiver.member))
}

/// How many of a member's points were earned long enough ago.
async fn old_enough(
    tx: &mut Tx,
    scene: Scene<'_>,
    rules: &Transfers,
    (member, wallet): (MemberId, &WalletPlan),
) -> Result<i64, Error> {
    let Some(number) = number(tx, scene, &wallet.key).await? else { return Ok(0) };
    let accounts = read::accounts(tx, scene.workspace, &[member], scene.now).await?;
    let by = scene.now.plus(-i64::from(rules.older_than_days) * Timestamp::DAY);
    let lots = accounts.get(&(member, number)).into_iter().flat_map(|account| account.lots());
    Ok(lots.filter(|lot| lot.earned_at <= by).map(|lot| lot.available).sum())
}

async fn number(tx: &mut Tx, scene: Scene<'_>, wallet: &str) -> Result<Option<WalletId>, Error> {
    Ok(wallets::numbers(tx, scene.workspace).await?.get(wallet).copied())
}

/// What a member gave and got of a wallet in the civil year, with what waits.
///
/// # Errors
/// The store's.
pub async fn year(
    db: &mut impl Queries,
    scene: Scene<'_>,
    member: MemberId,
    wallet: &str,
) -> rapport_store::Result<Year> {
    let Scene { workspace, calendar, now, .. } = scene;
    let from = calendar.floor(now, Interval::Year);
    let sent = sql!(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM loyalty_transfers
         WHERE sender = $2 AND workspace = $1 AND asked_at >= $3 AND wallet = $4
             AND (state = 'done' OR (state IN ('asked', 'open') AND lapses_at > $5))"
    );
    let (sent, times): (i64, i64) = db.fetch_one(sent, args![workspace, member.0, from, wallet, now]).await?;
    // What came by a gift came when it was taken.
    let received = sql!(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM loyalty_transfers
         WHERE receiver = $2 AND receiver IS NOT NULL AND workspace = $1 AND wallet = $4
             AND ((state = 'done' AND settled_at >= $3) OR (state = 'asked' AND lapses_at > $5))"
    );
    let received: i64 = db.scalar(received, args![workspace, member.0, from, wallet, now]).await?;
    Ok(Year { sent, times, received })
}

/// Posts it: to a member at once, of a gift the hold.
async fn enter(tx: &mut Tx, scene: Scene<'_>, rules: &Transfers, row: &mut Transfer) -> Result<(), Error> {
    let Some(wallet) = number(tx, scene, &row.wallet).await? else {
        refuse(row, ledger::Refusal::WalletUnknown, scene.now);
        return Ok(());
    };
    let until = scene.now.plus(i64::from(rules.gift_days) * Timestamp::DAY);
    let (id, act) = match row.receiver {
        Some(to) => (format!("transfer:{}", row.transfer), give(scene, rules, row, MemberId(to))),
        None => (held(row), Act::Hold { amount: row.amount, until }),
    };
    let commands = vec![row.command(id, wallet, act)];
    match posted(tx, scene, commands).await? {
        Some(refusal) => refuse(row, refusal, scene.now),
        None if row.receiver.is_some() => row.settle("done", scene.now),
        None => {
            "open".clone_into(&mut row.state);
            row.lapses_at = until;
        }
    }
    Ok(())
}

/// The id of the hold that sets a gift's points aside.
fn held(row: &Transfer) -> String {
    format!("gift:{}", row.transfer)
}

fn give(scene: Scene<'_>, rules: &Transfers, row: &Transfer, to: MemberId) -> Act {
    let plan = scene.program.wallet(&row.wallet);
    let expiry = match plan.filter(|_| rules.resets_expiry) {
        Some(plan) => Expiry::Reset { expires_at: plan.expiry.end(scene.now, &scene.calendar.zone) },
        None => Expiry::Keep,
    };
    Act::Transfer { to, amount: row.amount, expiry }
}

fn refuse(row: &mut Transfer, refusal: ledger::Refusal, now: Timestamp) {
    row.refused = Some(refusal.code().to_owned());
    row.settle("refused", now);
}

/// Posts linked commands; why the ledger refused, if it did.
async fn posted(tx: &mut Tx, scene: Scene<'_>, commands: Vec<Command>) -> Result<Option<ledger::Refusal>, Error> {
    // Nothing of it may be remembered before the caller commits.
    let answers = post(tx, &mut Memory::default(), scene.workspace, &[commands], scene.now).await?;
    let mut refused = answers.into_iter().flatten().filter_map(|answer| answer.refused);
    Ok(refused.find(|refusal| *refusal != ledger::Refusal::LinkedRefused))
}

/// Approves or declines what waits for it.
///
/// # Errors
/// As [`send`].
pub async fn decide(
    tx: &mut Tx,
    scene: Scene<'_>,
    transfer: &str,
    (approves, by): (bool, &str),
) -> Result<Result<Transfer, Refusal>, Error> {
    head::lock(tx, scene.workspace).await?;
    let Some(mut row) = find(tx, scene, transfer).await? else { return Ok(Err(Refusal::TransferUnknown)) };
    match row.state.as_str() {
        "asked" if row.asked_by == by => return Ok(Err(Refusal::OwnTransfer)),
        "asked" => {}
        "lapsed" if row.decided_by.is_empty() => return Ok(Err(Refusal::Lapsed)),
        // The same person, who presses the button again.
        state if row.decided_by == by && (state == "declined") != approves => return Ok(Ok(row)),
        _ => return Ok(Err(Refusal::NotNow)),
    }
    by.clone_into(&mut row.decided_by);
    match (approves, scene.program.transfers.as_ref()) {
        (false, _) => row.settle("declined", scene.now),
        (true, None) => return Ok(Err(Refusal::NotOffered)),
        (true, Some(rules)) => enter(tx, scene, rules, &mut row).await?,
    }
    write(tx, scene.workspace, &row).await?;
    Ok(Ok(row))
}

/// Takes a gift for a member: the points go to them, once.
///
/// # Errors
/// As [`send`].
pub async fn claim(
    tx: &mut Tx,
    scene: Scene<'_>,
    code: &str,
    member: MemberId,
) -> Result<Result<Transfer, Refusal>, Error> {
    let Some(code) = codes::lookup(code).filter(|code| codes::is_sound(code)) else {
        return Ok(Err(Refusal::GiftUnknown));
    };
    head::lock(tx, scene.workspace).await?;
    let find = sql!("SELECT * FROM loyalty_transfers WHERE code = $2 AND code IS NOT NULL AND workspace = $1");
    let found: Option<Transfer> = tx.fetch_optional(find, args![scene.workspace, hashed(&code)]).await?;
    let Some(mut row) = found.map(|it| it.standing_at(scene.now)) else { return Ok(Err(Refusal::GiftUnknown)) };
    let number = members::now(tx, scene.workspace, member).await?;
    match row.state.as_str() {
        "open" => {}
        // Sent again by the one who took it.
        "done" if row.receiver == Some(number.0) => return Ok(Ok(row)),
        "done" => return Ok(Err(Refusal::GiftClaimed)),
        "lapsed" => return Ok(Err(Refusal::Lapsed)),
        _ => return Ok(Err(Refusal::NotNow)),
    }
    let Some(rules) = scene.program.transfers.as_ref() else { return Ok(Err(Refusal::NotOffered)) };
    let parties = (MemberId(row.sender), number);
    let receiver = match may_receive(tx, scene, rules, parties, (&row.wallet, row.amount)).await? {
        Ok(receiver) => receiver,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(wallet) = self::number(tx, scene, &row.wallet).await? else { return Ok(Err(Refusal::NotOffered)) };
    // What the ledger refuses uses its id up, and may be possible tomorrow.
    let turn = scene.rng.next_u64();
    let id = |what: &str| format!("gift:{}:{turn:016x}:{what}", row.transfer);
    let commands = vec![
        row.command(id("release"), wallet, Act::Release { hold: held(&row) }),
        row.command(id("give"), wallet, give(scene, rules, &row, receiver)),
    ];
    if let Some(refusal) = posted(tx, scene, commands).await? {
        return Ok(Err(Refusal::Ledger(refusal)));
    }
    row.receiver = Some(receiver.0);
    row.settle("done", scene.now);
    write(tx, scene.workspace, &row).await?;
    Ok(Ok(row))
}

/// Takes back a gift that nobody has taken, or what waits for approval: the points are where they were.
///
/// # Errors
/// As [`send`].
pub async fn cancel(tx: &mut Tx, scene: Scene<'_>, transfer: &str) -> Result<Result<Transfer, Refusal>, Error> {
    head::lock(tx, scene.workspace).await?;
    let Some(mut row) = find(tx, scene, transfer).await? else { return Ok(Err(Refusal::TransferUnknown)) };
    match row.state.as_str() {
        "asked" => {}
        "open" => {
            let Some(wallet) = number(tx, scene, &row.wallet).await? else { return Ok(Err(Refusal::NotOffered)) };
            let id = format!("gift:{}:cancel", row.transfer);
            let command = row.command(id, wallet, Act::Release { hold: held(&row) });
            if let Some(refusal) = posted(tx, scene, vec![command]).await? {
                return Ok(Err(Refusal::Ledger(refusal)));
            }
        }
        "cancelled" => return Ok(Ok(row)),
        "lapsed" => return Ok(Err(Refusal::Lapsed)),
        "done" if row.kind == "gift" => return Ok(Err(Refusal::GiftClaimed)),
        _ => return Ok(Err(Refusal::NotNow)),
    }
    row.settle("cancelled", scene.now);
    write(tx, scene.workspace, &row).await?;
    Ok(Ok(row))
}

/// As it is kept: whoever reads the database cannot take a gift.
fn hashed(code: &str) -> Vec<u8> {
    blake3::hash(code.as_bytes()).as_bytes().to_vec()
}

async fn by_id(db: &mut impl Queries, scene: Scene<'_>, id: &str) -> rapport_store::Result<Option<Transfer>> {
    let find = sql!("SELECT * FROM loyalty_transfers WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![scene.workspace, id]).await
}

/// A transfer by its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, scene: Scene<'_>, transfer: &str) -> rapport_store::Result<Option<Transfer>> {
    let find = sql!("SELECT * FROM loyalty_transfers WHERE transfer = $2 AND workspace = $1");
    let found: Option<Transfer> = db.fetch_optional(find, args![scene.workspace, transfer]).await?;
    Ok(found.map(|it| it.standing_at(scene.now)))
}

/// Transfers, the newest first, in a state if one is named, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    scene: Scene<'_>,
    state: &str,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> rapport_store::Result<Vec<Transfer>> {
    let (at, transfer) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_transfers WHERE workspace = $1 AND (asked_at, transfer) < ($2, $3)
             AND ($4 = '' OR $4 = CASE WHEN state IN ('asked', 'open') AND lapses_at <= $5 THEN 'lapsed' ELSE state END)
         ORDER BY asked_at DESC, transfer DESC LIMIT $6"
    );
    let rows: Vec<Transfer> = db.fetch_all(list, args![scene.workspace, at, transfer, state, scene.now, limit]).await?;
    Ok(rows.into_iter().map(|it| it.standing_at(scene.now)).collect())
}

/// All that these numbers gave or got, the newest first, as it was written down.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> rapport_store::Result<Vec<Transfer>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let sent = sql!("SELECT * FROM loyalty_transfers WHERE sender IN ($2) AND workspace = $1");
    let got = sql!("SELECT * FROM loyalty_transfers WHERE receiver IN ($2) AND receiver IS NOT NULL AND workspace = $1");
    let mut rows: Vec<Transfer> = db.fetch_all(sent, args![workspace, &numbers]).await?;
    let got: Vec<Transfer> = db.fetch_all(got, args![workspace, &numbers]).await?;
    rows.extend(got.into_iter().filter(|it| !numbers.contains(&it.sender)));
    rows.sort_by(|one, other| (other.asked_at, &other.transfer).cmp(&(one.asked_at, &one.transfer)));
    Ok(rows)
}

impl Transfer {
    /// As it stands then: what nobody decided or took in time has lapsed, without anybody writing it down.
    #[must_use]
    pub fn standing_at(self, now: Timestamp) -> Self {
        let has_lapsed = matches!(self.state.as_str(), "asked" | "open") && self.lapses_at <= now;
        let state = if has_lapsed { "lapsed".to_owned() } else { self.state };
        Self { state, ..self }
    }

    fn settle(&mut self, state: &str, now: Timestamp) {
        state.clone_into(&mut self.state);
        self.settled_at = Some(now);
    }

    fn command(&self, id: String, wallet: WalletId, act: Act) -> Command {
        let source = Source {
            kind: self.kind.clone(),
            reference: self.transfer.clone(),
            by: self.asked_by.clone(),
            ..Source::default()
        };
        Command { id, member: MemberId(self.sender), wallet, act, source }
    }
}

async fn write(tx: &mut Tx, workspace: WorkspaceId, row: &Transfer) -> rapport_store::Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_transfers (workspace, transfer, id, fingerprint, kind, sender, receiver, wallet, amount, message, state, refused, code, asked_by, asked_at,
             lapses_at, decided_by, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT (transfer, workspace) DO UPDATE SET receiver = EXCLUDED.receiver, state = EXCLUDED.state, refused = EXCLUDED.refused,
             lapses_at = EXCLUDED.lapses_at, decided_by = EXCLUDED.decided_by, settled_at = EXCLUDED.settled_at"
    );
    let values = args![
        workspace,
        &row.transfer,
        &row.id,
        row.fingerprint,
        &row.kind,
        row.sender,
        row.receiver,
        &row.wallet,
        row.amount,
        &row.message,
        &row.state,
        row.refused.clone(),
        row.code.clone(),
        &row.asked_by,
        row.asked_at,
        row.lapses_at,
        &row.decided_by,
        row.settled_at,
    ];
    tx.execute(save, values).await.map(drop)
}

/// What the one gave and got is the other's, who goes on for both.
pub(super) async fn merge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
) -> rapport_store::Result<()> {
    let sent = sql!("UPDATE loyalty_transfers SET sender = $3 WHERE sender = $2 AND workspace = $1");
    tx.execute(sent, args![workspace, from.0, to.0]).await?;
    let got = sql!("UPDATE loyalty_transfers SET receiver = $3 WHERE receiver = $2 AND receiver IS NOT NULL AND workspace = $1");
    tx.execute(got, args![workspace, from.0, to.0]).await.map(drop)
}

/// Empties what was said with what these numbers gave or got; how many there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> rapport_store::Result<u64> {
    let sent = sql!("UPDATE loyalty_transfers SET message = '' WHERE sender IN ($2) AND workspace = $1 AND message <> ''");
    let got = sql!(
        "UPDATE loyalty_transfers SET message = '' WHERE receiver IN ($2) AND receiver IS NOT NULL AND workspace = $1 AND message <> ''"
    );
    let count = tx.execute(sent, args![workspace, numbers]).await?;
    Ok(count + tx.execute(got, args![workspace, numbers]).await?)
}
