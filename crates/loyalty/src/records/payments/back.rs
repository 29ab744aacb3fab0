//! What comes back of a receipt's points: the share that comes back of the receipt, and all of it at the end.

use rapport_domain::Timestamp;
use rapport_store::{Queries, Record, Tx, args, sql};

use super::super::redemptions::Scene;
use super::{Outcome, Payment, Refusal, head, of_receipt, own_id, posted, reverse};
use crate::paying::{share, share_of_money};

/// What came back of one payment by one return.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Back {
    /// Of which payment.
    pub payment: String,
    /// What was asked for, in millionths; everything, unless said.
    pub asked: Option<i64>,
    /// How much of the receipt that was.
    pub amount: i64,
    /// How many points came back.
    pub points: i64,
    /// What they had paid, in millionths.
    pub money: i64,
    /// When.
    pub returned_at: Timestamp,
}

/// Gives back what points paid of a receipt of which `amount` goes back, or all that is left. `id` names the return: the same again is answered the same.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn give_back(
    tx: &mut Tx,
    scene: Scene<'_>,
    receipt: (&str, &str),
    (id, amount): (&str, Option<i64>),
    by: &str,
) -> Outcome<Vec<(Payment, Back)>> {
    head::lock(tx, scene.workspace).await?;
    let mut all = of_receipt(tx, scene.workspace, receipt).await?;
    all.retain(Payment::counts);
    let Some(total) = all.first().map(|it| it.total) else { return Ok(Ok(Vec::new())) };
    let earlier = of_return(tx, scene, receipt, id).await?;
    if let Some(first) = earlier.first() {
        if first.asked != amount {
            return Ok(Err(Refusal::ReturnedOtherwise));
        }
        let of = |payment: Payment| {
            let back = earlier.iter().find(|it| it.payment == payment.id)?.clone();
            Some((payment, back))
        };
        return Ok(Ok(all.into_iter().filter_map(of).collect()));
    }
    let before = returned(tx, scene, receipt, &all[0].id).await?;
    let now = amount.map_or(total, |amount| before.saturating_add(amount)).min(total);
    let mut given = Vec::new();
    for mut payment in all {
        let points = share(payment.points, (now, total), 1) - payment.returned;
        let money = share_of_money(payment.money, (now, total)) - payment.money_returned;
        if points > 0 {
            let act = reverse(&payment, points, scene.now);
            if let Err(refusal) = posted(tx, scene, &payment, (by, own_id(&payment.id, id)), act).await? {
                return Ok(Err(refusal));
            }
        }
        payment.returned += points;
        payment.money_returned += money;
        payment.write(tx, scene.workspace).await?;
        let (of, returned_at) = (payment.id.clone(), scene.now);
        let back = Back { payment: of, asked: amount, amount: now - before, points, money, returned_at };
        write(tx, scene, receipt, id, (&payment, &back)).await?;
        given.push((payment, back));
    }
    Ok(Ok(given))
}

async fn write(
    tx: &mut Tx,
    scene: Scene<'_>,
    (store, receipt): (&str, &str),
    id: &str,
    (payment, back): (&Payment, &Back),
) -> rapport_store::Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_payment_returns (workspace, store, receipt, id, payment, member, asked, amount, points, money, returned_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let values = args![
        scene.workspace,
        store,
        receipt,
        id,
        &back.payment,
        payment.member,
        back.asked,
        back.amount,
        back.points,
        back.money,
        back.returned_at
    ];
    tx.execute(add, values).await.map(drop)
}

async fn of_return(
    tx: &mut Tx,
    scene: Scene<'_>,
    (store, receipt): (&str, &str),
    id: &str,
) -> rapport_store::Result<Vec<Back>> {
    let find = sql!(
        "SELECT payment, asked, amount, points, money, returned_at FROM loyalty_payment_returns
         WHERE store = $2 AND receipt = $3 AND id = $4 AND workspace = $1 ORDER BY payment"
    );
    tx.fetch_all(find, args![scene.workspace, store, receipt, id]).await
}

/// How much of the receipt went back so far: every return has a row for each payment.
async fn returned(
    tx: &mut Tx,
    scene: Scene<'_>,
    (store, receipt): (&str, &str),
    payment: &str,
) -> rapport_store::Result<i64> {
    let sum = sql!(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM loyalty_payment_returns
         WHERE store = $2 AND receipt = $3 AND payment = $4 AND workspace = $1"
    );
    let found: Option<(i64,)> = tx.fetch_optional(sum, args![scene.workspace, store, receipt, payment]).await?;
    Ok(found.map_or(0, |(sum,)| sum))
}
