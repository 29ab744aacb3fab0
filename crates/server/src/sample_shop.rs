//! The sample shop in a data folder: simulated customers, sent through the same door as anybody's events.
//!
//! Always holds: what the customers really are is written beside the data folder's contents (`truth.jsonl`), never into it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rapport_domain::{Event, SourceId, Timestamp, WorkspaceId};
use rapport_intake::{Body, Call, Limits, Origin};
use rapport_sample::{Message, Options, SampleShop, Totals};

use crate::engaging::sample::Offered;
use crate::engaging::sample::lived::{self, Lived};
use crate::experimenting::sample::Checkout;
use crate::following_up::sample::{self as unhappy, Voice};
use crate::installation::Installation;
use crate::points::sample as club;
use crate::surveying::sample::{self as surveys, Asked};

/// Messages in one body, as an SDK would send them.
pub(crate) const BATCH: usize = 500;
/// Where the truth is written in the data folder.
pub const TRUTH: &str = "truth.jsonl";

/// What the sample shop is made of.
#[derive(Default)]
pub struct Filled {
    /// The sums of the truth.
    pub totals: Totals,
    /// Who was in the groups of its campaign.
    pub offered: Vec<Offered>,
    /// Who came to the checkout lately.
    pub checkouts: Vec<Checkout>,
    /// What customers did lately that its journeys ask for.
    pub lived: Vec<Lived>,
    /// What customers went through lately that its surveys ask about.
    pub asked: Vec<Asked>,
    /// What customers who were unhappy said in the last year.
    pub voices: Vec<Voice>,
    /// What customers did that its club rewards, since it began.
    pub rewarded: Vec<Message>,
}

/// Sends the stories of `customers` customers through the intake. Blocks: call it on a thread that may. `progress` gets the number
/// of messages sent.
pub fn fill(
    installation: &Arc<Installation>,
    workspace: WorkspaceId,
    source: SourceId,
    customers: u32,
    seed: u64,
    end: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<Filled> {
    let shop = SampleShop::new(Options { customers, seed, end });
    let mut truth = BufWriter::new(create(&installation.folder)?);
    let mut filled = Filled::default();
    let mut batch: Vec<Message> = Vec::with_capacity(BATCH * 2);
    let origin = Origin { workspace, source };
    for story in shop.stories() {
        filled.totals.add(story.truth.as_ref(), story.messages.len());
        filled.offered.extend(Offered::of(&story.messages));
        filled.checkouts.extend(Checkout::of(&story.messages, end));
        filled.lived.extend(Lived::of(&story.messages, end.plus(-lived::DAYS * Timestamp::DAY)));
        filled.asked.extend(Asked::of(&story.messages, surveys::since(end)));
        filled.voices.extend(Voice::of(&story.messages, unhappy::since(end)));
        filled.rewarded.extend(club::rewarded(&story.messages, end));
        if let Some(true_customer) = &story.truth {
            serde_json::to_writer(&mut truth, true_customer)?;
            truth.write_all(b"\n")?;
        }
        batch.extend(story.messages);
        if batch.len() >= BATCH {
            send(installation, origin, &batch)?;
            progress(filled.totals.messages);
            batch.clear();
        }
    }
    send(installation, origin, &batch)?;
    progress(filled.totals.messages);
    truth.flush()?;
    Ok(filled)
}

fn create(folder: &Path) -> Result<File> {
    let path = folder.join(TRUTH);
    File::create(&path).with_context(|| format!("cannot write {}", path.display()))
}

/// Bodies of `POST /v1/batch`, decoded and logged as the HTTP route does it.
fn send(installation: &Installation, origin: Origin, messages: &[Message]) -> Result<()> {
    for messages in messages.chunks(BATCH) {
        installation.log.append_blocking(&decode(installation, origin, messages)?)?;
    }
    Ok(())
}

/// One body of `POST /v1/batch`, decoded.
pub(crate) fn decode(installation: &Installation, origin: Origin, messages: &[Message]) -> Result<Vec<Event>> {
    let text = format!("{{\"batch\":{}}}", serde_json::to_string(messages)?);
    let body = Body::parse(&text, Call::Batch, &Limits::default())?;
    let decoded = body.decode(origin, installation.clock.now(), &*installation.rng);
    ensure!(decoded.rejects.is_empty(), "the sample shop sent what our own door refuses: {:?}", decoded.rejects[0]);
    Ok(decoded.events)
}
