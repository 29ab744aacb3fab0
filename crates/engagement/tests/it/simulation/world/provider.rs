//! The provider, which has its days: it is away, refuses, reports early and twice; and we die before we can note what it said.

use rapport_domain::{Channel, PersonId, Timestamp};
use rapport_engagement::records::messages::{self, Heard as Callback, MessageRow, Outcome};
use rapport_engagement::sending::policy::decide_again;
use rapport_engagement::sending::{Ask, Decision};
use rapport_engagement::situations;
use rapport_store::Tx;

use super::World;
use crate::simulation::judge;
use crate::town::W;

impl World {
    /// Hands over what is queued, to a provider that has its days.
    pub(super) async fn dispatch(&mut self) {
        let now = self.now();
        let ids = self.town.due().await;
        if ids.is_empty() {
            return;
        }
        let mut tx = self.town.tx().await;
        let rows = messages::by_ids(&mut tx, W, &ids).await.unwrap();
        let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let people = situations::load(&mut tx, W, &self.town.plans, &persons, now).await.unwrap();
        let (mut taken, mut left_out) = (Vec::new(), Vec::new());
        for row in rows {
            let quiet = self.quiet(&row);
            let class = if row.class == "marketing" {
                rapport_engagement::journey::Class::Marketing
            } else {
                rapport_engagement::journey::Class::Transactional
            };
            let ask = Ask {
                channel: Channel::parse(&row.channel).unwrap(),
                topic: row.topic.as_deref(),
                class,
                priority: 0,
                quiet: quiet.as_ref(),
                chance: 0,
                since: row.decided_at,
                drop_after: 3 * Timestamp::DAY,
            };
            let settings = &self.town.plans.settings;
            match decide_again(&ask, &people[&row.person], settings, now) {
                Decision::Send => {
                    let name = format!("<{}.{}@x>", row.id, row.attempts);
                    let again = now.plus(10 * Timestamp::MINUTE);
                    assert!(messages::take(&mut tx, &row, &name, again).await.unwrap());
                    taken.push((row.id.clone(), row.message_id.clone().unwrap_or(name), row));
                }
                Decision::Hold(until) => {
                    messages::note(&mut tx, &row.id, &Outcome { due_at: Some(until), ..Outcome::of("queued") })
                        .await
                        .unwrap();
                }
                Decision::Skip(reason) => {
                    messages::note(
                        &mut tx,
                        &row.id,
                        &Outcome { reason: Some(reason.as_str()), ..Outcome::of("skipped") },
                    )
                    .await
                    .unwrap();
                    left_out.push(row.id.clone());
                }
            }
        }
        if self.crash() {
            return tx.rollback().await.unwrap();
        }
        tx.commit().await.unwrap();
        for id in left_out {
            self.leave_out(&id);
        }
        self.provider(taken).await;
    }

    async fn provider(&mut self, taken: Vec<(String, String, MessageRow)>) {
        let now = self.now();
        let mut tx = self.town.tx().await;
        let mut accepted = Vec::new();
        let mut failed = Vec::new();
        for (id, name, row) in taken {
            match self.dice.below(100) {
                // We die before we hand it over; the provider is down; it refuses for good.
                0..4 => continue,
                4..10 => {
                    let later = Outcome {
                        due_at: Some(now.plus(5 * Timestamp::MINUTE)),
                        response: Some("451"),
                        ..Outcome::of("queued")
                    };
                    messages::note(&mut tx, &id, &later).await.unwrap();
                    continue;
                }
                10..13 => {
                    messages::note(&mut tx, &id, &Outcome { response: Some("550"), ..Outcome::of("failed") })
                        .await
                        .unwrap();
                    failed.push(id);
                    continue;
                }
                _ => {}
            }
            judge::handed(self, &row);
            self.handed.push((id.clone(), name));
            // We die before we can note it.
            if self.dice.percent(4) {
                *self.unnoted.entry(id).or_default() += 1;
                continue;
            }
            // The provider may tell what became of it before we note that it took it, and twice.
            let is_early = self.dice.percent(20);
            if is_early {
                self.callbacks(&mut tx, &id).await;
            }
            messages::note(
                &mut tx,
                &id,
                &Outcome { sent_at: Some(now), provider_id: Some(&id), ..Outcome::of("sent") },
            )
            .await
            .unwrap();
            if !is_early && self.dice.percent(50) {
                self.callbacks(&mut tx, &id).await;
            }
            accepted.push(id);
        }
        if self.crash() {
            tx.rollback().await.unwrap();
            for id in accepted {
                *self.unnoted.entry(id).or_default() += 1;
            }
            return;
        }
        tx.commit().await.unwrap();
        for id in accepted {
            if let Some(decided) = self.decided.get_mut(&id) {
                decided.sent_at = Some(now);
            }
        }
        for id in failed {
            self.leave_out(&id);
        }
    }

    async fn callbacks(&self, tx: &mut Tx, id: &str) {
        let what = *self.dice.one(&[Callback::Delivered, Callback::Delivered, Callback::Bounced, Callback::Complained]);
        assert!(messages::hear(tx, id, what, self.now()).await.unwrap() || self.unnoted.contains_key(id));
        assert!(!messages::hear(tx, id, what, self.now().plus(1)).await.unwrap());
    }
}
