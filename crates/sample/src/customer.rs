//! A customer's life with the shop, told from the first visit to the last.
//!
//! Always holds: every device is anonymous until the customer signs in on it, then linked by `identify`; the first order (or the sign-up of
//! a lead) is when the customer was won. What is bought and when comes from `purchases`; this file only sets the scenes.

use rapport_domain::{Timestamp, money::MICROS_PER_UNIT, shop_events::ORDER_COMPLETED};

use crate::{
    Truth, accounts,
    browsing::Visit,
    chance::Dice,
    channels::{CHANNELS, Channel},
    feedback,
    fulfilment::{Fulfilment, fulfil},
    message::map,
    newsletters, offer,
    orders::{Order, Taste},
    people::{self, Person},
    purchases::Habits,
    recorder::{Device, DeviceKind, Recorder},
    story::World,
    subscriptions,
    support::{self, Reason},
};

/// Millionths of a euro in a cent.
const MICROS_PER_CENT: i64 = MICROS_PER_UNIT / 100;

/// A customer being told.
pub(crate) struct Telling<'w> {
    world: &'w World,
    dice: Dice,
    recorder: Recorder,
    number: u32,
    channel: &'static Channel,
    person: Person,
    taste: Taste,
    devices: Vec<Device>,
    /// Hidden satisfaction now.
    mood: f64,
    acquired: Timestamp,
    truth: Truth,
}

impl<'w> Telling<'w> {
    /// Draws the person; nothing has happened yet.
    pub(crate) fn new(world: &'w World, number: u32) -> Self {
        let mut dice = Dice::new(world.seed, u64::from(number));
        let channel = &CHANNELS[dice.weighted(CHANNELS.iter().map(|channel| channel.share))];
        let person = people::draw(&mut dice, number, channel.name);
        let taste = Taste::draw(&mut dice, &world.catalogue);
        let mood = dice.normal(0.5, 1.0);
        let acquired = world.seasons.winning_instant(&mut dice, world.end);
        let user_id = format!("C{:06}", 100_000 + u64::from(number));
        let kind = if dice.happens(0.55) { DeviceKind::Phone } else { DeviceKind::Computer };
        let devices = vec![Device::new(&mut dice, kind, person.language)];
        let favourite_category = world.catalogue.products()[taste.favourite() * crate::catalogue::SHELF].category;
        let truth = Truth {
            user_id: user_id.clone(),
            channel: channel.name,
            acquired_at: acquired,
            lead: false,
            slipping: false,
            purchase_rate: 0.0,
            dropout_at: acquired,
            alive_at_end: false,
            mean_order_value: 0.0,
            expected_repeats: 0.0,
            satisfaction: mood,
            satisfaction_at_end: mood,
            favourite_category,
            devices: 1,
            orders: 0,
            offer: "",
            extra_orders: 0,
            revenue_micros: 0,
            total_micros: 0,
            cancelled_orders: 0,
            refunded_micros: 0,
            late_deliveries: 0,
            tickets: 0,
            mrr_micros: 0,
        };
        let recorder = Recorder::new(Some(user_id));
        Self { world, dice, recorder, number, channel, person, taste, devices, mood, acquired, truth }
    }

    /// Tells the whole life.
    pub(crate) fn tell(mut self) -> (Truth, Recorder) {
        if self.dice.happens(0.12) {
            self.lead();
        } else {
            self.buyer();
        }
        self.truth.devices = self.devices.len() as u32;
        self.truth.satisfaction_at_end = self.mood;
        (self.truth, self.recorder)
    }

    /// Signs up for the newsletter and never buys.
    fn lead(&mut self) {
        self.truth.lead = true;
        let visit = self.look_around(0, self.acquired);
        let start = self.acquired.plus(-visit.length() - 20 * Timestamp::SECOND);
        self.first_visits(start);
        visit.tell(&mut self.recorder, &self.devices[0], &self.world.catalogue, start);
        let agreed = self.sign_up(self.acquired);
        let half_a_year = self.acquired.plus(182 * Timestamp::DAY);
        self.visits(0.03, self.acquired, half_a_year);
        if agreed {
            self.newsletters(half_a_year);
        }
        self.visit_now();
    }

    fn buyer(&mut self) {
        let (world, acquired) = (self.world, self.acquired);
        let old = acquired < world.end.plus(-200 * Timestamp::DAY);
        self.truth.slipping = old && self.dice.happens(0.018);
        let habits = if self.truth.slipping {
            Habits::slipping(&mut self.dice, world.end)
        } else {
            Habits::draw(&mut self.dice, self.channel, acquired)
        };
        self.truth.purchase_rate = habits.rate;
        self.truth.dropout_at = habits.dropout_at;
        self.truth.alive_at_end = habits.dropout_at > world.end;
        self.truth.mean_order_value = habits.mean_order_value;
        self.truth.expected_repeats = habits.expected_repeats(acquired, world.end, &world.seasons);

        let times = habits.order_times(&mut self.dice, acquired, world.end, &world.seasons);
        let mut agreed = false;
        for (place, at) in times.iter().enumerate() {
            let value = habits.order_value(&mut self.dice);
            let id = format!("N{:06}-{}", 100_000 + u64::from(self.number), place + 1);
            let order = Order::fill(&mut self.dice, id, &self.taste, &world.catalogue, value);
            if place == 0 {
                agreed = self.first_order(&order, *at);
                self.second_device();
            } else {
                self.later_order(&order, *at);
            }
            self.after_order(&order, *at);
        }
        self.visits(0.03 + 0.6 * habits.rate, acquired, habits.dropout_at);
        self.visits(0.012, habits.dropout_at, world.end);
        let left_at = if agreed { self.newsletters(habits.dropout_at) } else { Some(acquired) };
        self.extras();
        self.visit_now();
        self.offer(&habits, left_at);
    }

    /// The planted campaign. Comes last, because from here on chance is its own.
    fn offer(&mut self, habits: &Habits, left_at: Option<Timestamp>) {
        let at = offer::sent_at(&self.world.seasons);
        if self.truth.slipping || self.acquired.plus(Timestamp::DAY) > at || left_at.is_some_and(|left| left <= at) {
            return;
        }
        self.dice = Dice::new(self.world.seed ^ offer::STREAM, u64::from(self.number));
        let (arm, order_at) = offer::draw(&mut self.dice, &mut self.recorder, at, habits.dropout_at);
        self.truth.offer = arm;
        let Some(at) = order_at else { return };
        let value = habits.order_value(&mut self.dice);
        let id = format!("N{:06}-F", 100_000 + u64::from(self.number));
        let order = Order::fill(&mut self.dice, id, &self.taste, &self.world.catalogue, value);
        self.later_order(&order, at);
        self.after_order(&order, at);
        self.truth.extra_orders += 1;
    }

    /// Anonymous visits in the two weeks before the visit that begins at `start`.
    fn first_visits(&mut self, start: Timestamp) {
        self.devices[0].came_by(self.channel.source, self.channel.medium);
        for _ in 0..self.dice.poisson(0.9) {
            let at = start.plus(-self.dice.between(8 * Timestamp::HOUR, 14 * Timestamp::DAY));
            let visit = self.look_around(0, at);
            visit.tell(&mut self.recorder, &self.devices[0], &self.world.catalogue, at);
        }
    }

    /// From now on the shop knows who this is; returns whether the newsletter may be sent.
    fn sign_up(&mut self, at: Timestamp) -> bool {
        self.recorder.identify(at, &mut self.devices[0], &self.person.traits);
        self.recorder.done(at.plus(Timestamp::SECOND), &self.devices[0], "Signed Up", map([]));
        newsletters::ask_consents(&mut self.dice, &mut self.recorder, at.plus(2 * Timestamp::SECOND))
    }

    fn first_order(&mut self, order: &Order, at: Timestamp) -> bool {
        let visit = Visit::to_buy(&mut self.dice, &self.taste, &self.world.catalogue, order);
        let start = self.start_of(&visit, at);
        self.first_visits(start);
        let checkout_at = visit.checkout_at(start).unwrap_or(at);
        // Steps lie at least six seconds apart: the sign-up comes between the cart and the checkout.
        let agreed = self.sign_up(checkout_at.plus(-4 * Timestamp::SECOND));
        visit.tell(&mut self.recorder, &self.devices[0], &self.world.catalogue, start);
        self.complete(order, at, 0);
        self.devices[0].forget_campaign();
        agreed
    }

    fn later_order(&mut self, order: &Order, at: Timestamp) {
        let visit = Visit::to_buy(&mut self.dice, &self.taste, &self.world.catalogue, order);
        let start = self.start_of(&visit, at);
        let mut device = self.device_at(start);
        let trouble = self.world.phone_trouble(at);
        if trouble && self.devices[device].kind == DeviceKind::Phone {
            let tries = if self.dice.happens(0.55) { self.dice.between(1, 2) } else { 0 };
            for _ in 0..tries {
                let failed = Visit::failed_payment(&mut self.dice, &self.world.catalogue, order);
                let tried_at = start.plus(-self.dice.between(5 * Timestamp::MINUTE, 20 * Timestamp::HOUR));
                if tried_at > self.acquired {
                    failed.tell(&mut self.recorder, &self.devices[device], &self.world.catalogue, tried_at);
                }
            }
            let computer = self.linked_before(start, DeviceKind::Computer);
            device = computer.filter(|_| self.dice.happens(0.6)).unwrap_or(device);
        }
        visit.tell(&mut self.recorder, &self.devices[device], &self.world.catalogue, start);
        self.complete(order, at, device);
    }

    fn complete(&mut self, order: &Order, at: Timestamp, device: usize) {
        let properties = order.properties(&self.world.catalogue);
        self.recorder.done(at, &self.devices[device], ORDER_COMPLETED, properties);
        self.truth.orders += 1;
        self.truth.revenue_micros += order.revenue() * MICROS_PER_CENT;
        self.truth.total_micros += order.total() * MICROS_PER_CENT;
    }

    /// Delivery, and what it leads to.
    fn after_order(&mut self, order: &Order, at: Timestamp) {
        let world = self.world;
        let outcome = fulfil(&mut self.dice, &mut self.recorder, &world.catalogue, order, at, world.end);
        self.truth.cancelled_orders += u32::from(outcome.cancelled);
        self.truth.refunded_micros += outcome.refunded * MICROS_PER_CENT;
        if outcome.late && outcome.delivered_at.is_some_and(|delivered| delivered <= world.end) {
            self.truth.late_deliveries += 1;
        }
        if outcome.late {
            self.mood -= 0.9;
        }
        self.maybe_ticket(order, at, &outcome);
        let Some(delivered_at) = outcome.delivered_at else { return };
        let language = self.person.language;
        feedback::survey(&mut self.dice, &mut self.recorder, &order.id, delivered_at, self.mood, language);
        let product = &world.catalogue.products()[order.lines[0].0];
        let review_id = format!("R{}", order.id);
        feedback::review(&mut self.dice, &mut self.recorder, &review_id, product, delivered_at, self.mood, language);
    }

    fn maybe_ticket(&mut self, order: &Order, at: Timestamp, outcome: &Fulfilment) {
        let unhappy = (1.0 - 0.3 * self.mood).clamp(0.4, 2.0);
        let trouble = self.world.phone_trouble(at);
        let (reason, opened_at) = if outcome.late && self.dice.happens(0.28 * unhappy) {
            (Reason::Late, at.plus(self.dice.between(5 * Timestamp::DAY, 6 * Timestamp::DAY)))
        } else if trouble && self.dice.happens(0.05 * unhappy) {
            (Reason::Payment, at.plus(self.dice.between(10 * Timestamp::MINUTE, 5 * Timestamp::HOUR)))
        } else if let Some(delivered_at) = outcome.delivered_at.filter(|_| self.dice.happens(0.035 * unhappy)) {
            let reason = *self.dice.pick(&[Reason::Return, Reason::Return, Reason::Damaged, Reason::Question]);
            (reason, delivered_at.plus(self.dice.between(3 * Timestamp::HOUR, 8 * Timestamp::DAY)))
        } else {
            return;
        };
        let id = format!("T{}", order.id);
        support::ticket(&mut self.dice, &mut self.recorder, &id, &order.id, reason, self.person.language, opened_at);
        self.truth.tickets += u32::from(opened_at <= self.world.end);
    }

    /// A third of the buyers later sign in on a second device, after browsing there as somebody unknown.
    fn second_device(&mut self) {
        let kind = match self.devices[0].kind {
            DeviceKind::Phone => DeviceKind::Computer,
            DeviceKind::Computer => DeviceKind::Phone,
        };
        let first_at = self.acquired.plus(self.dice.between(3 * Timestamp::DAY, 120 * Timestamp::DAY));
        if !self.dice.happens(0.33) || first_at.plus(10 * Timestamp::DAY) > self.world.end {
            return;
        }
        let device = Device::new(&mut self.dice, kind, self.person.language);
        self.devices.push(device);
        let place = self.devices.len() - 1;
        let second_at = first_at.plus(self.dice.between(Timestamp::DAY, 7 * Timestamp::DAY));
        let mut signed_in_at = first_at;
        for at in [first_at, second_at] {
            let visit = self.look_around(place, at);
            signed_in_at = at.plus(visit.length() + 15 * Timestamp::SECOND);
            visit.tell(&mut self.recorder, &self.devices[place], &self.world.catalogue, at);
        }
        self.recorder.identify(signed_in_at, &mut self.devices[place], &self.person.traits);
        self.recorder.done(signed_in_at.plus(Timestamp::SECOND), &self.devices[place], "Signed In", map([]));
    }

    /// Visits without an order: Poisson with `rate` a shop week between two instants.
    fn visits(&mut self, rate: f64, from: Timestamp, to: Timestamp) {
        let (world, to) = (self.world, to.min(self.world.end));
        if from >= to {
            return;
        }
        let (first, last) = (world.seasons.weeks_at(from), world.seasons.weeks_at(to));
        for _ in 0..self.dice.poisson(rate * (last - first)) {
            let weeks = self.dice.range(first, last);
            let Some(at) = world.seasons.instant_at(weeks) else { continue };
            let device = self.device_at(at);
            let visit = self.look_around(device, at);
            if at.plus(visit.length()) <= world.end {
                visit.tell(&mut self.recorder, &self.devices[device], &world.catalogue, at);
            }
        }
    }

    /// One customer in 250 is in the shop at the very end, whatever the hour.
    fn visit_now(&mut self) {
        if self.number % 250 != 7 {
            return;
        }
        let device = self.device_at(self.world.end.plus(-Timestamp::HOUR));
        let visit = self.look_around(device, self.world.end);
        let ago = self.dice.between(Timestamp::SECOND, 150 * Timestamp::SECOND);
        let start = self.world.end.plus(-visit.length() - ago);
        if start > self.acquired {
            visit.tell(&mut self.recorder, &self.devices[device], &self.world.catalogue, start);
        }
    }

    /// When they left, if they did.
    fn newsletters(&mut self, dropout_at: Timestamp) -> Option<Timestamp> {
        let reader = newsletters::Reader { since: self.acquired, dropout_at, satisfaction: self.mood };
        newsletters::send(&mut self.dice, &mut self.recorder, &self.world.seasons, &reader)
    }

    /// A company account for one buyer in seventy, a coffee box for one in twenty.
    fn extras(&mut self) {
        let end = self.world.end;
        if self.dice.happens(0.014) {
            let (id, traits) = accounts::account(self.dice.bits());
            self.recorder.group(self.acquired.plus(Timestamp::HOUR), id, traits);
        }
        let from = self.acquired.plus(self.dice.between(Timestamp::DAY, 120 * Timestamp::DAY));
        if self.dice.happens(0.05) && from <= end {
            let id = format!("S{:06}", 100_000 + u64::from(self.number));
            let price = subscriptions::run(&mut self.dice, &mut self.recorder, &id, from, self.mood, end);
            self.truth.mrr_micros = price.unwrap_or(0) * MICROS_PER_CENT;
        }
    }

    fn look_around(&mut self, device: usize, at: Timestamp) -> Visit {
        let kind = self.devices[device].kind;
        Visit::to_look(&mut self.dice, &self.taste, &self.world.catalogue, kind, self.world.phone_trouble(at))
    }

    /// When a visit has to begin for its order to be completed at `at`.
    fn start_of(&mut self, visit: &Visit, at: Timestamp) -> Timestamp {
        at.plus(-visit.length() - self.dice.between(25 * Timestamp::SECOND, 4 * Timestamp::MINUTE))
    }

    /// A device that is signed in on at `at`; the first one when none is.
    fn device_at(&mut self, at: Timestamp) -> usize {
        let second = self.devices.len() > 1 && self.devices[1].linked_at.is_some_and(|linked| linked <= at);
        usize::from(second && self.dice.happens(0.5))
    }

    fn linked_before(&self, at: Timestamp, kind: DeviceKind) -> Option<usize> {
        self.devices
            .iter()
            .position(|device| device.kind == kind && device.linked_at.is_some_and(|linked| linked <= at))
    }
}
