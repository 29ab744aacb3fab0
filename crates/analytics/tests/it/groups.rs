//! Groups of customers: people of known kinds are found again, noise is no groups, numbers and names stay with the people, and the tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use rapport_analytics::groups::{
    Before, By, Content, Habits, LEAST_PEOPLE, Learned, People, Person, Run, STEPS, Settings, learn,
};
use rapport_analytics::scores::records::{PersonaRow, personas};
use rapport_analytics::scores::schema::MIGRATIONS;
use rapport_analytics::value::{Bought, Buyer, Day};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_models::groups::adjusted_rand;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};

use crate::chance::Chance;

/// The first day that is not known.
const END: i32 = 20_000;

impl Chance {
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }

    fn some(&mut self, of: u32, share: f64) -> u32 {
        (0..of).filter(|_| self.next() < share).count() as u32
    }
}

/// A kind of customer: days since the last purchase, purchases, what each costs, the share with something off, that of shoes.
struct Kind {
    recency: f64,
    purchases: f64,
    average: f64,
    reduced: f64,
    shoes: f64,
    market: u32,
}

/// Who buys often and dear lately, who waits for coupons, and who came once long ago.
const KINDS: [Kind; 3] = [
    Kind { recency: 12.0, purchases: 12.0, average: 90.0, reduced: 0.03, shoes: 0.8, market: 0 },
    Kind { recency: 60.0, purchases: 5.0, average: 18.0, reduced: 0.85, shoes: 0.1, market: 1 },
    Kind { recency: 400.0, purchases: 1.3, average: 40.0, reduced: 0.10, shoes: 0.5, market: 1 },
];

/// People of these kinds, and which each is of: one half of the first, a third of the second.
fn people(count: usize, seed: u64) -> (People, Vec<usize>) {
    let mut chance = Chance(seed);
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for at in 0..count {
        let u = chance.next();
        let kind = if u < 0.5 { 0 } else { 1 + usize::from(u > 0.83) };
        let Kind { recency, purchases, average, reduced, shoes, market } = KINDS[kind];
        let mut about = |it: f64, spread: f64| it * (spread * chance.normal()).exp();
        let last = END - 1 - (about(recency, 0.3) as i32).min(700);
        let n = (about(purchases, 0.2).round() as u32).max(1);
        let spent = about(average, 0.2) * f64::from(n);
        let lines = 2 * n;
        rows.push(Person {
            first: last - 20 * n as i32,
            last,
            purchases: n,
            cycle: (n > 1).then_some(20.0),
            priced: n,
            spent,
            orders: (n, chance.some(n, 0.1)),
            reduced: (n, chance.some(n, reduced)),
            lines,
            categories: vec![(0, chance.some(lines, shoes))],
            // Of the first kind nine of ten are in the first market, of the others one of ten.
            market: Some(if chance.next() < 0.9 { market } else { 1 - market }),
            source: Some(chance.some(1, 0.5)),
            ..Person::new(PersonId(at as i64 + 1))
        });
        truth.push(kind);
    }
    (world(rows), truth)
}

fn world(rows: Vec<Person>) -> People {
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    People {
        purchases: rows.iter().map(|it| u64::from(it.purchases)).sum(),
        rows,
        categories: vec!["Shoes".to_owned()],
        markets: names(["DE", "FR"]),
        sources: names(["google", "friend"]),
        from: END - 730,
        end: END,
        left_out: 3,
        foreign: 2,
    }
}

fn learned(people: &People, before: Option<&Before>) -> Learned {
    let told = std::cell::RefCell::new(Vec::new());
    let found = learn(people, &Settings::default(), before, 0, 1, &|at| told.borrow_mut().push(at)).unwrap();
    assert_eq!(told.borrow().last(), Some(&STEPS));
    found
}

/// The number of each person's group.
fn numbers(content: &Content, people: &People) -> Vec<usize> {
    let run = Run::new(content.clone(), people.clone());
    run.some(0, run.people()).iter().map(|it| it.detail.number as usize).collect()
}

#[test]
fn people_of_known_kinds_are_found_again_and_described() {
    let (people, truth) = people(900, 7);
    let found = learned(&people, None);
    let content = &found.content;
    assert_eq!((content.by, content.groups.len(), content.people), (By::Everything, 3, 900), "{:?}", content.tried);
    let agreement = adjusted_rand(&numbers(content, &people), &truth).unwrap();
    assert!(agreement > 0.95, "{agreement}");
    assert_eq!(content.groups.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3], "by size");
    assert!(content.groups.iter().all(|it| it.stability > 0.9), "{:?}", content.groups);
    assert!(content.silhouette > content.by_chance + 0.02);
    // What is said of each is what its people are.
    for (group, kind) in content.groups.iter().zip(0..) {
        let own: Vec<&Person> = people.rows.iter().zip(&truth).filter(|it| *it.1 == kind).map(|it| it.0).collect();
        let n = own.len() as f64;
        assert!((group.people as f64 - n).abs() < 0.03 * n, "{} {n}", group.people);
        let mean = own.iter().map(|it| it.spent).sum::<f64>() / n;
        assert!(group.spent.low < mean && mean < group.spent.high, "{mean} {:?}", group.spent);
        let recency = group.figures.iter().find(|it| it.key == "recency").unwrap();
        assert!(recency.low <= recency.value && recency.value <= recency.high);
    }
    let shares: f64 = content.groups.iter().map(|it| it.revenue_share).sum();
    assert!((shares - 1.0).abs() < 1e-9 && content.groups[0].revenue_share > 0.8);
    let of = |group: usize, key: &str| content.groups[group].traits.iter().find(|it| it.key == key);
    let coupons = of(1, "reduced").unwrap();
    assert!(coupons.value > 0.75 && coupons.over_index.unwrap() > 200.0 && coupons.q.is_none(), "{coupons:?}");
    assert!(coupons.text.contains("had something taken off"), "{}", coupons.text);
    // What was spent follows from how often and how dear, so it is no finding that it differs.
    assert!(of(0, "spent").unwrap().q.is_none() && of(2, "once").unwrap().q.is_none(), "{content:?}");
    // The market made no group: that they differ by it is a finding, and that they do not by source is none.
    let market = of(0, "market:DE").unwrap();
    assert!(market.value > 0.8 && market.q.unwrap() < 1e-6 && market.over_index.unwrap() > 120.0, "{market:?}");
    assert!((0..3).all(|at| of(at, "source:google").is_none() && of(at, "source:friend").is_none()));
    let text = found.card(&people, &Settings::default()).markdown(1);
    for part in [
        "Groups of customers, version 1",
        "900 people",
        "3 people whose data",
        "What it cannot say",
        "| Groups | 3.000",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Judged on"), "groups foretell nothing: {text}");
}

/// Oracle: everybody measured against every middle, one measure after the other.
#[test]
fn everybody_is_in_the_nearest_group_and_the_most_typical_come_first() {
    let (people, _) = people(400, 3);
    let content = learned(&people, None).content;
    let run = Run::new(content.clone(), people.clone());
    let overview = run.overview("EUR");
    let mut sizes: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (it, placed) in people.rows.iter().zip(run.some(0, 1_000)) {
        let share =
            |of: u32, all: u32, usual: f64, weight: f64| (f64::from(of) + weight * usual) / (f64::from(all) + weight);
        let along: Vec<f64> = content
            .scales
            .iter()
            .map(|scale| {
                let raw = match scale.key.as_str() {
                    "recency" => f64::from(END - 1 - it.last).ln_1p(),
                    "purchases" => f64::from(it.purchases).ln_1p(),
                    "average" => (it.spent / f64::from(it.priced)).ln_1p(),
                    "reduced" => share(it.reduced.1, it.reduced.0, scale.usual, 1.0),
                    "returned" => share(it.orders.1, it.orders.0, scale.usual, 1.0),
                    "category:Shoes" => share(it.categories[0].1, it.lines, scale.usual, 2.0),
                    other => panic!("{other}"),
                };
                ((raw - scale.mean) / scale.deviation).clamp(-3.0, 3.0) * scale.weight
            })
            .collect();
        let distance = |centre: &Vec<f64>| centre.iter().zip(&along).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let mut order: Vec<(f64, u32)> =
            content.centres.iter().map(distance).zip(content.groups.iter().map(|it| it.number)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let detail = &placed.detail;
        assert_eq!((placed.person, detail.number, detail.second), (it.person, order[0].1, Some(order[1].1)));
        assert!(
            (detail.sure - (1.0 - order[0].0 / order[1].0)).abs() < 1e-9
                && (detail.typical - 1.0 / (1.0 + order[0].0)).abs() < 1e-9
        );
        assert_eq!(
            detail.measures.iter().map(|it| it.key.clone()).collect::<Vec<_>>(),
            content.scales.iter().map(|it| it.key.clone()).collect::<Vec<_>>()
        );
        sizes.entry(detail.number).or_default().push(it.spent);
    }
    for size in &overview.groups {
        let spent = &sizes[&size.number];
        assert_eq!(size.people, spent.len() as u64);
        assert!((size.revenue - spent.iter().sum::<f64>()).abs() < 1e-6);
        let own: Vec<_> = run.some(0, 1_000).iter().filter(|it| it.detail.number == size.number).collect();
        let least = |tenth: u8| {
            own.iter().filter(|it| it.tenth == tenth).map(|it| it.detail.typical).fold(f64::INFINITY, f64::min)
        };
        let most =
            |tenth: u8| own.iter().filter(|it| it.tenth == tenth).map(|it| it.detail.typical).fold(0.0, f64::max);
        assert!((1..10).all(|tenth| most(tenth) <= least(tenth + 1)));
    }
    assert_eq!((overview.people, overview.left_out), (400, 3));
}

#[test]
fn noise_gives_no_groups_but_a_sentence() {
    let settings = Settings::default();
    for seed in 0..6 {
        let mut chance = Chance(seed);
        // Everybody around one middle, in everything; or everything by itself, evenly.
        let even = seed % 2 == 0;
        let rows = (0..500).map(|at| {
            let mut about =
                |it: f64| if even { it * (0.3 + 1.4 * chance.next()) } else { it * (0.4 * chance.normal()).exp() };
            let (recency, n, average) = (about(60.0), about(8.0).round().max(1.0), about(40.0));
            let last = END - 1 - recency as i32;
            let n = n as u32;
            Person {
                first: last - 300,
                last,
                purchases: n,
                cycle: None,
                priced: n,
                spent: average * f64::from(n),
                orders: (n, chance.some(n, 0.1)),
                reduced: (n, chance.some(n, 0.3)),
                lines: 3 * n,
                categories: vec![(0, chance.some(3 * n, 0.5))],
                ..Person::new(PersonId(at))
            }
        });
        let verdict =
            learn(&world(rows.collect()), &settings, None, 0, seed, &|_| ()).map(|it| it.content.tried).unwrap_err();
        assert!(
            verdict.code.starts_with("groups_") && verdict.text.starts_with("No groups were found."),
            "{verdict:?}"
        );
    }
    let (few, _) = people(LEAST_PEOPLE - 1, 1);
    let verdict = learn(&few, &settings, None, 0, 1, &|_| ()).unwrap_err();
    assert_eq!((verdict.code.as_str(), verdict.have, verdict.need), ("too_few_people", 149, 150));
    // Everybody alike: nothing to group by.
    let alike =
        |at| Person { last: END - 9, purchases: 2, priced: 2, spent: 50.0, lines: 2, ..Person::new(PersonId(at)) };
    let verdict = learn(&world((0..300).map(alike).collect()), &settings, None, 0, 1, &|_| ()).unwrap_err();
    assert_eq!(verdict.code, "nothing_to_group_by");
    // Groups there are, but staff want larger ones, or more of them than there are.
    let (people, _) = people(600, 5);
    let larger = Settings { least_people: 250, by: By::Everything, groups: Some(3), ..Settings::default() };
    let verdict = learn(&people, &larger, None, 0, 1, &|_| ()).unwrap_err();
    assert_eq!((verdict.code.as_str(), verdict.need), ("groups_too_small", 250), "{verdict:?}");
    let more = Settings { groups: Some(9), ..Settings::default() };
    let verdict = learn(&people, &more, None, 0, 1, &|_| ()).unwrap_err();
    assert!(
        ["groups_too_small", "groups_not_stable", "groups_not_parted", "groups_by_chance"]
            .contains(&verdict.code.as_str()),
        "{verdict:?}"
    );
}

#[test]
fn groups_keep_their_number_while_they_are_mostly_the_same_people() {
    let (mut everybody, truth) = people(900, 7);
    let first = learned(&everybody, None).content;
    let before = Before { version: 4, content: first.clone() };
    // Some weeks later: the same people, a month older, and new ones.
    everybody.rows.iter_mut().filter(|it| it.person.0 % 3 == 0).for_each(|it| it.purchases += 1);
    let (more, _) = people(980, 11);
    everybody
        .rows
        .extend(more.rows.into_iter().skip(900).map(|it| Person { person: PersonId(it.person.0 + 5_000), ..it }));
    let second = learned(&everybody, Some(&before)).content;
    let against = second.against.clone().unwrap();
    assert_eq!(
        (against.version, against.kept.clone(), against.new.clone(), against.gone.clone()),
        (4, vec![1, 2, 3], vec![], vec![])
    );
    assert!(against.staying > 0.95 && against.agreement > 0.9 && against.holds().is_empty(), "{against:?}");
    assert_eq!(adjusted_rand(&numbers(&second, &everybody)[..900], &truth).map(|it| it > 0.95), Some(true));
    // The second kind goes away: the others keep their numbers whatever their order by size.
    let mut without = everybody.clone();
    without.rows = everybody.rows.iter().zip(&truth).filter(|it| *it.1 != 1).map(|it| it.0.clone()).collect();
    without.rows.retain(|it| it.person.0 % 2 == 0 || it.purchases < 4);
    let third = learn(&without, &Settings::default(), Some(&before), 7, 1, &|_| ()).unwrap().content;
    let against = third.against.clone().unwrap();
    assert!(against.gone.contains(&2) && !third.groups.iter().any(|it| it.number == 2), "{against:?}");
    assert!(against.kept.iter().all(|it| [1, 3].contains(it)) && !against.kept.is_empty(), "{against:?}");
    assert!(against.new.iter().all(|it| *it > 7), "a number is not given twice: {against:?}");
    assert_eq!(against.holds().iter().any(|it| it.code == "people_missing"), without.rows.len() < 720);
    // The same again is the same.
    assert_eq!(learned(&everybody, Some(&before)).content, second);
}

/// Everybody's days, drawn by chance.
fn days() -> impl Strategy<Value = Vec<(i64, i32, Option<i64>)>> {
    prop::collection::vec((1i64..8, 0i32..60, prop::option::of(0i64..9_000_000)), 1..60)
}

proptest! {
    /// Oracle: everything counted anew from the list of purchases.
    #[test]
    fn what_is_known_of_people_is_what_they_bought_in_the_window(raw in days(), from in 0i32..40, length in 1i32..40) {
        let end = from + length;
        let mut all: BTreeMap<i64, BTreeMap<i32, Option<i64>>> = BTreeMap::new();
        raw.iter().for_each(|(who, day, micros)| { all.entry(*who).or_default().insert(*day, *micros); });
        let buyer = |(who, days): (&i64, &BTreeMap<i32, Option<i64>>)| Buyer {
            person: PersonId(*who),
            days: days.iter().map(|(day, micros)| Day { day: *day, micros: *micros }).collect(),
        };
        let bought = Bought { buyers: all.iter().map(buyer).collect(), ..Bought::default() };
        let lines = |who: i64| BTreeMap::from([("Shoes".to_owned(), who as u32), (String::new(), 2), (format!("C{}", who % 3), 1)]);
        let habits = Habits {
            returns: all.keys().map(|who| (PersonId(*who), (3, 1))).collect(),
            lines: all.keys().map(|who| (PersonId(*who), lines(*who))).collect(),
            markets: HashMap::from([(PersonId(1), "DE".to_owned()), (PersonId(2), "FR".to_owned()), (PersonId(3), "FR".to_owned())]),
            ..Habits::default()
        };
        let found = People::of(&bought, &habits, (from, end));
        let within: BTreeMap<i64, Vec<(i32, Option<i64>)>> = all.iter().filter_map(|(who, days)| {
            let own: Vec<_> = days.iter().filter(|it| (from..end).contains(it.0)).map(|it| (*it.0, *it.1)).collect();
            (!own.is_empty()).then_some((*who, own))
        }).collect();
        prop_assert_eq!(found.rows.iter().map(|it| it.person.0).collect::<Vec<_>>(), within.keys().copied().collect::<Vec<_>>());
        for row in &found.rows {
            let own = &within[&row.person.0];
            prop_assert_eq!(row.purchases as usize, own.len());
            prop_assert_eq!(row.first, *all[&row.person.0].keys().next().unwrap());
            prop_assert_eq!(row.last, own.last().unwrap().0);
            let amounts: Vec<i64> = own.iter().filter_map(|it| it.1).collect();
            prop_assert_eq!(row.priced as usize, amounts.len());
            prop_assert!((row.spent - amounts.iter().sum::<i64>() as f64 / 1e6).abs() < 1e-6);
            let gaps: Vec<i32> = own.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
            let mean = (!gaps.is_empty()).then(|| f64::from(gaps.iter().sum::<i32>()) / gaps.len() as f64);
            prop_assert_eq!(row.cycle, mean);
            prop_assert_eq!((row.orders, row.reduced), ((3, 1), (0, 0)));
            prop_assert_eq!(row.lines, row.person.0 as u32 + 3);
            let named: BTreeSet<(String, u32)> = row.categories.iter().map(|it| (found.categories[it.0 as usize].clone(), it.1)).collect();
            let mut truth: BTreeSet<(String, u32)> = lines(row.person.0).into_iter().collect();
            truth.retain(|it| !it.0.is_empty());
            prop_assert_eq!(named, truth);
            let market = row.market.map(|it| found.markets[it as usize].as_str());
            prop_assert_eq!(market, match row.person.0 { 1 => Some("DE"), 2 | 3 => Some("FR"), _ => None });
        }
    }
}

#[db_test(MIGRATIONS)]
async fn names_are_of_a_workspace(db: TestDatabase) {
    let row = |number, name: &str| PersonaRow {
        number,
        name: name.to_owned(),
        note: "Buys shoes.".to_owned(),
        changed_at: Timestamp(5),
        changed_by: "user_1".to_owned(),
    };
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for (workspace, number, name) in [(1, 2, "Runners"), (1, 1, "Savers"), (1, 2, "Hikers"), (2, 2, "Others")] {
        personas::put(&mut tx, WorkspaceId(workspace), &row(number, name)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let all = async |workspace| personas::all(&mut db.read(), WorkspaceId(workspace)).await.unwrap();
    assert_eq!(all(1).await, [row(1, "Savers"), row(2, "Hikers")]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert!(personas::remove(&mut tx, WorkspaceId(1), 2).await.unwrap());
    assert!(!personas::remove(&mut tx, WorkspaceId(1), 2).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(all(2).await, [row(2, "Others")]);
    assert_eq!(all(1).await, [row(1, "Savers")]);
}
