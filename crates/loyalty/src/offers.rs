//! Offers: what a cart gets taken off, given free or earned on top, and why. Pure: a cart, the offers in force and what was used of their budgets go in; typed
//! effects, and a line for each offer, come out.
//!
//! [`Offer`] is what staff write. [`decide`] chooses which of them count together ([`Choice`]) and applies them one after the other to what is left of the cart.
//! [`rolled_back`] says how much of each effect is taken back when a part of the cart is returned.
//!
//! Always holds: no line costs less than nothing, or less than the guardrails let it; what is taken off the lines is, to the smallest unit, what is taken off in all;
//! the same cart under the same offers gets the same; each offer has a line that says what came of it, also where it came to nothing.
//!
//! Does not: reserve anything, or know a code. Whoever calls says which offers a code unlocked.

mod apply;
mod cart;
mod choose;
mod effect;
mod offer;

pub use cart::{Cart, CartLine};
pub use choose::{Decision, Line, Looks, Outcome, Spent, decide};
pub use effect::{Effect, EffectKind, allot, rolled_back};
pub use offer::{
    Budget, BudgetOf, Choice, Gives, Least, Offer, OfferLimits, On, Overrun, PROTECTED, PriceChanges, Returns, Share,
    Stacking, Step,
};
