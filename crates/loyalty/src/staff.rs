//! What staff may give and take by hand, alone or with a second person.
//!
//! Always holds: a role that is not named may give nothing as goodwill; where nothing is said about changes, whoever may post may change.
//!
//! Does not: know who has which role, or count; [`records::changes`](crate::records::changes) does.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::earning::Every;
use crate::program::{AMOUNT_MAX, Program, check_key};

const LIMITS_MAX: usize = 50;

/// Limits by role: `owner`, `admin`, `analyst`, `agent`, or `key` for an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    /// What each person of a role may give as goodwill.
    #[serde(default)]
    pub goodwill: Vec<Goodwill>,
    /// What each person of a role may change alone; more needs a second person. Nothing said, nobody is asked.
    #[serde(default)]
    pub alone: Option<Vec<Alone>>,
    /// So long a change waits for the second person, in hours.
    #[serde(default = "approve_within")]
    pub approve_within_hours: u16,
}

impl Default for Staff {
    fn default() -> Self {
        Self { goodwill: Vec::new(), alone: None, approve_within_hours: approve_within() }
    }
}

const fn approve_within() -> u16 {
    72
}

/// A personal limit of goodwill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goodwill {
    /// Of whom.
    pub role: String,
    /// In which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// So many points each of them.
    pub most: i64,
    /// In which civil period of the programme's zone.
    pub every: Every,
}

/// What somebody may change alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alone {
    /// Of whom.
    pub role: String,
    /// In which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// So many points at once, given or taken.
    pub most: i64,
}

impl Staff {
    pub(crate) fn check(&self, program: &Program) -> Result<(), Error> {
        let one = |place: String, role: &str, wallet: Option<&str>, most: i64, least: i64| {
            check_key(&format!("{place}.role"), role)?;
            program.check_wallet(&format!("{place}.wallet"), wallet)?;
            if !(least..=AMOUNT_MAX).contains(&most) {
                return Err(Error::invalid(format!("{place}.most"), format!("{least} to {AMOUNT_MAX}")));
            }
            Ok(())
        };
        let alone = self.alone.as_deref().unwrap_or_default();
        if self.goodwill.len().max(alone.len()) > LIMITS_MAX {
            return Err(Error::invalid("staff", format!("at most {LIMITS_MAX} limits of a kind")));
        }
        for (at, limit) in self.goodwill.iter().enumerate() {
            one(format!("staff.goodwill[{at}]"), &limit.role, limit.wallet.as_deref(), limit.most, 1)?;
        }
        for (at, limit) in alone.iter().enumerate() {
            one(format!("staff.alone[{at}]"), &limit.role, limit.wallet.as_deref(), limit.most, 0)?;
        }
        if !(1..=720).contains(&self.approve_within_hours) {
            return Err(Error::invalid("staff.approve_within_hours", "1 to 720"));
        }
        Ok(())
    }

    /// The limits of goodwill of a role in a wallet; several hold together.
    pub fn goodwill<'a>(
        &'a self,
        program: &'a Program,
        role: &'a str,
        wallet: &'a str,
    ) -> impl Iterator<Item = &'a Goodwill> {
        let own = move |limit: &&Goodwill| limit.role == role && program.key_meant(limit.wallet.as_deref()) == wallet;
        self.goodwill.iter().filter(own)
    }

    /// Whether a role may change so much alone.
    pub fn may_alone(&self, program: &Program, role: &str, wallet: &str, amount: i64) -> bool {
        let Some(limits) = &self.alone else { return true };
        let own = |limit: &&Alone| limit.role == role && program.key_meant(limit.wallet.as_deref()) == wallet;
        limits.iter().find(own).is_some_and(|limit| amount.unsigned_abs() <= limit.most.unsigned_abs())
    }
}
