//! Persons: one summary row each, for lists and search. Always derivable from identifiers, orders, refunds and facts, and derived anew
//! for every person a batch, a merge or a split touches; never counted up.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};

/// A person's summary.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct PersonRow {
    /// Who.
    pub person: PersonId,
    /// Earliest event.
    pub first_seen_at: Timestamp,
    /// Latest event.
    pub last_seen_at: Timestamp,
    /// How many events.
    pub events: i64,
    /// What to call them, if known.
    pub name: Option<String>,
    /// A way to reach them, if known.
    pub email: Option<String>,
    /// From the trait of that name.
    pub country: Option<String>,
    /// Completed orders.
    pub orders: i64,
    /// Revenue of completed orders, in millionths.
    pub spent_micros: i64,
    /// What went back, in millionths.
    pub refunded_micros: i64,
    /// The currency of most of their orders.
    pub currency: Option<String>,
    /// First completed order.
    pub first_order_at: Option<Timestamp>,
    /// Latest completed order.
    pub last_order_at: Option<Timestamp>,
    /// Folded text that search looks in.
    pub search_folded: String,
    /// RFM score 1 to 5.
    pub recency: Option<i64>,
    /// RFM score 1 to 5.
    pub frequency: Option<i64>,
    /// RFM score 1 to 5.
    pub monetary: Option<i64>,
    /// RFM group's key.
    pub rfm_group: Option<String>,
}

const COLUMNS: &str = "person, first_seen_at, last_seen_at, events, name, email, country, orders, spent_micros, refunded_micros, currency, \
                       first_order_at, last_order_at, search_folded, recency, frequency, monetary, rfm_group";

/// Derives the figures of these persons anew and drops the rows of persons that have no identifier any more.
///
/// `CROSS JOIN` because SQLite keeps its order: from the few identifiers to their orders, never through all orders of the workspace.
pub async fn summarise(tx: &mut Tx, workspace: WorkspaceId, persons: &[PersonId]) -> Result<()> {
    let drop = sql!(
        "DELETE FROM persons WHERE workspace = $1 AND person IN ($2) AND NOT EXISTS (
           SELECT 1 FROM identifiers i WHERE i.workspace = persons.workspace AND i.person = persons.person)"
    );
    tx.execute(drop, args![workspace, persons]).await?;
    seen(tx, workspace, persons).await?;
    let ordered = sql!(
        "INSERT INTO persons (workspace, person, first_seen_at, last_seen_at, events, search_folded, orders, spent_micros, refunded_micros,
           currency, first_order_at, last_order_at)
         SELECT i.workspace, i.person, MIN(o.placed_at), MAX(o.placed_at), CAST(0 AS BIGINT), '', COUNT(*),
           CAST(SUM(o.revenue_micros) AS BIGINT), CAST(0 AS BIGINT), MAX(o.currency), MIN(o.placed_at), MAX(o.placed_at)
         FROM identifiers i CROSS JOIN orders o
         WHERE i.workspace = $1 AND i.person IN ($2) AND o.workspace = i.workspace AND o.handle = i.handle AND o.status <> 'cancelled'
         GROUP BY i.workspace, i.person
         ON CONFLICT (workspace, person) DO UPDATE SET
           orders = excluded.orders, spent_micros = excluded.spent_micros, currency = excluded.currency,
           first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at"
    );
    tx.execute(ordered, args![workspace, persons]).await?;
    let refunded = sql!(
        "UPDATE persons SET refunded_micros = (
           SELECT CAST(COALESCE(SUM(r.amount_micros), 0) AS BIGINT) FROM identifiers i
           CROSS JOIN refunds r
           WHERE i.workspace = persons.workspace AND i.person = persons.person AND r.workspace = i.workspace AND r.handle = i.handle)
         WHERE workspace = $1 AND person IN ($2)"
    );
    tx.execute(refunded, args![workspace, persons]).await?;
    // A person whose orders all moved away or were cancelled has none left to insert above.
    let none = sql!(
        "UPDATE persons SET orders = 0, spent_micros = 0, first_order_at = NULL, last_order_at = NULL
         WHERE workspace = $1 AND person IN ($2) AND orders > 0 AND NOT EXISTS (
           SELECT 1 FROM identifiers i CROSS JOIN orders o
           WHERE i.workspace = persons.workspace AND i.person = persons.person
             AND o.workspace = i.workspace AND o.handle = i.handle AND o.status <> 'cancelled')"
    );
    tx.execute(none, args![workspace, persons]).await?;
    Ok(())
}

/// Derives when these persons were seen and how often; nothing for those that have no identifier any more.
pub async fn seen(tx: &mut Tx, workspace: WorkspaceId, persons: &[PersonId]) -> Result<()> {
    let text = sql!(
        "INSERT INTO persons (workspace, person, first_seen_at, last_seen_at, events, search_folded, orders, spent_micros, refunded_micros)
         SELECT workspace, person, MIN(first_seen_at), MAX(last_seen_at), CAST(SUM(events) AS BIGINT), '', CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT)
         FROM identifiers WHERE workspace = $1 AND person IN ($2) GROUP BY workspace, person
         ON CONFLICT (workspace, person) DO UPDATE SET
           first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at, events = excluded.events"
    );
    tx.execute(text, args![workspace, persons]).await?;
    Ok(())
}

/// What a person is called and found by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// Whom.
    pub person: i64,
    /// What to call them.
    pub name: Option<String>,
    /// A way to reach them.
    pub email: Option<String>,
    /// Where from.
    pub country: Option<String>,
    /// Folded text that search looks in: name, addresses, customer numbers.
    pub search_folded: String,
}

/// Writes names and search texts.
pub async fn label(tx: &mut Tx, workspace: WorkspaceId, labels: &[Label]) -> Result<()> {
    let text = sql!(
        "WITH label (workspace, person, name, email, country, search_folded) AS (VALUES {rows})
         UPDATE persons SET name = label.name, email = label.email, country = label.country, search_folded = label.search_folded
         FROM label WHERE persons.workspace = label.workspace AND persons.person = label.person"
    );
    let rows = labels
        .iter()
        .map(|l| args![workspace, l.person, l.name.clone(), l.email.clone(), l.country.clone(), &l.search_folded]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// RFM scores of one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Whose.
    pub person: PersonId,
    /// 1 to 5.
    pub recency: i64,
    /// 1 to 5.
    pub frequency: i64,
    /// 1 to 5.
    pub monetary: i64,
    /// The group's key.
    pub group: &'static str,
}

/// Writes RFM scores.
pub async fn score(tx: &mut Tx, workspace: WorkspaceId, scores: &[Scores]) -> Result<()> {
    let text = sql!(
        "WITH score (workspace, person, recency, frequency, monetary, rfm_group) AS (VALUES {rows})
         UPDATE persons SET recency = score.recency, frequency = score.frequency, monetary = score.monetary, rfm_group = score.rfm_group
         FROM score WHERE persons.workspace = score.workspace AND persons.person = score.person"
    );
    let rows = scores.iter().map(|s| args![workspace, s.person, s.recency, s.frequency, s.monetary, s.group]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// One person.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Option<PersonRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM persons WHERE workspace = $1 AND person = $2"));
    db.fetch_optional(text, args![workspace, person]).await
}

/// These persons, in no order.
pub async fn by_ids(db: &mut impl Queries, workspace: WorkspaceId, persons: &[PersonId]) -> Result<Vec<PersonRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM persons WHERE workspace = $1 AND person IN ($2)"));
    db.fetch_all(text, args![workspace, persons]).await
}

/// Everyone who ever ordered: (person, orders, spent, last order, scores as stored).
pub async fn buyers(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<PersonRow>> {
    let text =
        Sql::assembled(format!("SELECT {COLUMNS} FROM persons WHERE workspace = $1 AND orders > 0 ORDER BY person"));
    db.fetch_all(text, args![workspace]).await
}

/// The RFM groups as they stand: (key, people, what they spent in millionths).
pub async fn groups(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64, i64)>> {
    let text = sql!(
        "SELECT rfm_group, COUNT(*), CAST(SUM(spent_micros) AS BIGINT) FROM persons
         WHERE workspace = $1 AND rfm_group IS NOT NULL GROUP BY rfm_group ORDER BY rfm_group"
    );
    db.fetch_all(text, args![workspace]).await
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Latest event.
    #[default]
    LastSeen,
    /// Earliest event.
    FirstSeen,
    /// Number of orders.
    Orders,
    /// Revenue.
    Spent,
    /// Name.
    Name,
}

impl SortBy {
    const fn column(self) -> &'static str {
        match self {
            Self::LastSeen => "last_seen_at",
            Self::FirstSeen => "first_seen_at",
            Self::Orders => "orders",
            Self::Spent => "spent_micros",
            Self::Name => "name",
        }
    }
}

/// Which persons a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Folded text to find; empty is everyone.
    pub search: String,
    /// An RFM group's key; empty is all.
    pub rfm_group: String,
    /// Only these; `None` is all.
    pub persons: Option<Vec<PersonId>>,
    /// Order.
    pub sort: SortBy,
    /// Smallest first.
    pub ascending: bool,
    /// How many to skip.
    pub offset: i64,
    /// How many to give.
    pub limit: i64,
}

const WHERE: &str = "workspace = $1 AND ($2 = '' OR search_folded LIKE $3 ESCAPE '\\') AND ($4 = '' OR rfm_group = $4)";

/// A page of persons.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId, filter: &Filter) -> Result<Vec<PersonRow>> {
    let direction = if filter.ascending { "ASC" } else { "DESC" };
    let column = filter.sort.column();
    let only = if filter.persons.is_some() { " AND person IN ($7)" } else { "" };
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM persons WHERE {WHERE}{only} ORDER BY {column} {direction} NULLS LAST, person LIMIT $5 OFFSET $6"
    ));
    let mut args =
        args![workspace, &filter.search, like(&filter.search), &filter.rfm_group, filter.limit, filter.offset];
    args.0.extend(filter.persons.as_ref().map(Into::into));
    db.fetch_all(text, args).await
}

/// What a person's stage of life follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub struct LifeRow {
    /// Who.
    pub person: PersonId,
    /// Latest event.
    pub last_seen_at: Timestamp,
    /// Completed orders.
    pub orders: i64,
    /// Revenue of completed orders, in millionths.
    pub spent_micros: i64,
    /// First completed order.
    pub first_order_at: Option<Timestamp>,
    /// Latest completed order.
    pub last_order_at: Option<Timestamp>,
}

/// The orders in short of everybody from one number to another.
pub async fn lives(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (first, last): (PersonId, PersonId),
) -> Result<Vec<LifeRow>> {
    // `+`: by the primary key, which begins with the person.
    let text = sql!(
        "SELECT person, last_seen_at, orders, spent_micros, first_order_at, last_order_at FROM persons
         WHERE +workspace = $1 AND person >= $2 AND person <= $3 ORDER BY person"
    );
    db.fetch_all(text, args![workspace, first, last]).await
}

/// Where people from one number to another are from, as far as that is known.
pub async fn countries(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (first, last): (PersonId, PersonId),
) -> Result<Vec<(PersonId, String)>> {
    let text = sql!(
        "SELECT person, country FROM persons
         WHERE +workspace = $1 AND person >= $2 AND person <= $3 AND country IS NOT NULL ORDER BY person"
    );
    db.fetch_all(text, args![workspace, first, last]).await
}

/// All numbers that persons can have, in so many ranges, each with about as many people, because numbers are drawn by chance. At least one.
pub fn ranges(count: i64) -> Vec<(PersonId, PersonId)> {
    let count = count.max(1);
    let step = i64::MAX / count;
    let last = |part: i64| if part + 1 == count { i64::MAX } else { (part + 1) * step - 1 };
    (0..count).map(|part| (PersonId(part * step), PersonId(last(part)))).collect()
}

/// When everybody was seen first, ascending.
pub async fn first_seen(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<Timestamp>> {
    let text = sql!("SELECT first_seen_at FROM persons WHERE workspace = $1 ORDER BY first_seen_at");
    let rows: Vec<(Timestamp,)> = db.fetch_all(text, args![workspace]).await?;
    Ok(rows.into_iter().map(|(at,)| at).collect())
}

/// How many persons a filter finds.
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId, filter: &Filter) -> Result<i64> {
    let only = if filter.persons.is_some() { " AND person IN ($5)" } else { "" };
    let text = Sql::assembled(format!("SELECT COUNT(*) FROM persons WHERE {WHERE}{only}"));
    let mut args = args![workspace, &filter.search, like(&filter.search), &filter.rfm_group];
    args.0.extend(filter.persons.as_ref().map(Into::into));
    db.scalar(text, args).await
}

fn like(search: &str) -> String {
    format!("%{}%", rapport_store::sql::escape_like(search))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_one_another_from_the_first_number_to_the_last() {
        for (count, parts) in [(-1, 1), (0, 1), (1, 1), (2, 2), (51, 51)] {
            let ranges = ranges(count);
            assert_eq!(ranges.len(), parts);
            assert_eq!((ranges[0].0, ranges[parts - 1].1), (PersonId(0), PersonId(i64::MAX)));
            assert!(ranges.windows(2).all(|pair| pair[0].1.0 + 1 == pair[1].0.0));
        }
    }
}
