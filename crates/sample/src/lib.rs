//! The sample shop: Nordlicht Shop, an invented Nordic outdoor and home shop in Berlin that sells in euros, simulated with known truth.
//!
//! Always holds: the same options give the same bytes on one machine; a person is simulated alone and in memory for one, so ten million messages need
//! no more memory than ten; nothing lies after the end; the truth sums exactly to the messages. Messages come person by person, each person's in order of time.
//!
//! Does not read a clock, send anything or store anything. Some surprises are planted for a home page to find: since three weeks
//! paying on phones often fails; a few valuable customers stopped buying some weeks ago; a carrier's strike about six weeks ago made deliveries
//! late; social ads became dearer in the last two months and bring customers who leave soon. And a campaign of nine weeks ago has an effect that is
//! known ([`OFFER`]).

mod accounts;
mod browsing;
mod catalogue;
mod chance;
mod channels;
mod customer;
mod feedback;
mod fulfilment;
mod message;
mod newsletters;
mod offer;
mod orders;
mod people;
mod purchases;
mod recorder;
mod seasons;
mod story;
mod subscriptions;
mod support;
mod truth;

pub use catalogue::{Catalogue, Product};
pub use channels::{CHANNELS, Channel, ChannelCost};
pub use message::Message;
pub use offer::{OFFER, Offer};
pub use purchases::{PARAMETERS, Parameters};
pub use story::Story;
pub use truth::{Totals, Truth};

use rapport_domain::Timestamp;

/// What to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// People with a customer number. 4,000 give about a quarter of a million messages.
    pub customers: u32,
    /// The same seed repeats a run.
    pub seed: u64,
    /// "Now" in the shop: the history is the 24 months before.
    pub end: Timestamp,
}

/// The simulated shop.
pub struct SampleShop {
    options: Options,
    world: story::World,
}

impl SampleShop {
    /// The shop's name.
    pub const NAME: &'static str = "Nordlicht Shop";
    /// The shop's time zone.
    pub const ZONE: &'static str = "Europe/Berlin";
    /// The shop's currency.
    pub const CURRENCY: &'static str = "EUR";

    /// A shop with these options; nothing is simulated yet.
    pub fn new(options: Options) -> Self {
        let mut run = chance::Dice::new(
            options.seed ^ options.end.0.unsigned_abs().rotate_left(17),
            u64::from(options.customers),
        );
        let world = story::World {
            catalogue: Catalogue::new(),
            seasons: seasons::Seasons::new(options.end),
            end: options.end,
            seed: options.seed,
            run: run.bits(),
        };
        Self { options, world }
    }

    /// Every person's story: each customer, and after each the visitors of the same time. One story is in memory at a time.
    pub fn stories(&self) -> impl Iterator<Item = Story> {
        (0..self.options.customers).flat_map(move |number| {
            std::iter::once_with(move || story::customer(&self.world, number))
                .chain(story::visitors(&self.world, number))
        })
    }

    /// When the groups of the planted campaign were drawn and its offer was sent.
    pub fn offered_at(&self) -> Timestamp {
        offer::sent_at(&self.world.seasons)
    }

    /// Every message, person by person.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.stories().flat_map(|story| story.messages)
    }

    /// The truth of every customer. Simulates again: whoever needs messages too reads [`Self::stories`].
    pub fn truth(&self) -> impl Iterator<Item = Truth> {
        (0..self.options.customers).filter_map(|number| story::customer(&self.world, number).truth)
    }

    /// The sums of the truth. Simulates again.
    pub fn totals(&self) -> Totals {
        self.stories().fold(Totals::default(), |mut totals, story| {
            totals.add(story.truth.as_ref(), story.messages.len());
            totals
        })
    }

    /// What the shop sells.
    pub fn catalogue(&self) -> &Catalogue {
        &self.world.catalogue
    }

    /// What the channels cost, day by day.
    pub fn costs(&self) -> Vec<ChannelCost> {
        channels::costs(self.options.customers, self.options.seed, &self.world.seasons)
    }

    /// The first instant of the history. Anonymous visits before a first order may lie up to two weeks earlier.
    pub fn start(&self) -> Timestamp {
        self.world.seasons.start()
    }
}
