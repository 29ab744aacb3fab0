//! One person's story: the messages somebody leaves behind and, for customers, the truth about them.
//!
//! Always holds: a story depends on the shop's options and the person's number only, so stories can be told in any order, one at a
//! time, with memory for one.

use rapport_domain::Timestamp;

use crate::{
    Catalogue, Message, Truth,
    browsing::Visit,
    chance::Dice,
    channels::CHANNELS,
    customer::Telling,
    orders::Taste,
    recorder::{Device, DeviceKind, Recorder},
    seasons::Seasons,
};

/// What one person leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// For customers; visitors who never say who they are have none.
    pub truth: Option<Truth>,
    /// In order of time.
    pub messages: Vec<Message>,
}

/// What all stories of a shop have in common.
pub(crate) struct World {
    pub(crate) catalogue: Catalogue,
    pub(crate) seasons: Seasons,
    pub(crate) end: Timestamp,
    pub(crate) seed: u64,
    /// Names this run in message ids.
    pub(crate) run: u64,
}

/// Streams of chance (and message ids) of visitors start here; below are the customers'.
const VISITORS: u64 = 1 << 40;
/// At most so many visitors come with each customer.
const VISITORS_EACH: u32 = 8;

/// The story of the customer with this number.
pub(crate) fn customer(world: &World, number: u32) -> Story {
    let (truth, recorder) = Telling::new(world, number).tell();
    Story { truth: Some(truth), messages: recorder.finish(world.end, world.run, u64::from(number)) }
}

/// The stories of people who look around in the same time and never say who they are: one for every two customers.
pub(crate) fn visitors(world: &World, number: u32) -> impl Iterator<Item = Story> {
    let first = VISITORS + u64::from(number) * u64::from(VISITORS_EACH);
    let mut dice = Dice::new(world.seed, first);
    let count = dice.poisson(0.5).min(VISITORS_EACH);
    (0..u64::from(count)).map(move |place| {
        let recorder = visitor(world, &mut dice);
        Story { truth: None, messages: recorder.finish(world.end, world.run, first + place) }
    })
}

fn visitor(world: &World, dice: &mut Dice) -> Recorder {
    let mut recorder = Recorder::new(None);
    let kind = if dice.happens(0.65) { DeviceKind::Phone } else { DeviceKind::Computer };
    let language = if dice.happens(0.6) { "de" } else { "en" };
    let mut device = Device::new(dice, kind, language);
    let channel = &CHANNELS[dice.weighted(CHANNELS.iter().map(|channel| channel.share))];
    device.came_by(channel.source, channel.medium);
    let taste = Taste::draw(dice, &world.catalogue);
    let mut start = world.seasons.winning_instant(dice, world.end.plus(-Timestamp::HOUR));
    for _ in 0..dice.between(1, 2) {
        let trouble = world.phone_trouble(start);
        let visit = Visit::to_look(dice, &taste, &world.catalogue, kind, trouble);
        if start.plus(visit.length()) > world.end {
            break;
        }
        visit.tell(&mut recorder, &device, &world.catalogue, start);
        device.forget_campaign();
        start = start.plus(dice.between(8 * Timestamp::HOUR, 9 * Timestamp::DAY));
    }
    recorder
}

impl World {
    /// Whether paying on phones often fails at this time.
    pub(crate) fn phone_trouble(&self, at: Timestamp) -> bool {
        self.end.0 - at.0 < crate::browsing::PHONE_TROUBLE_DAYS * Timestamp::DAY
    }
}
