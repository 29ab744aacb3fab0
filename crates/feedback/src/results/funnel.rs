//! From everybody who could have been asked to those who answered.

use std::collections::BTreeMap;

use rapport_models::survey::{Confidence, share};

use crate::records::invitations::{FunnelRow, INVITED, SAMPLED_OUT, SUPPRESSED, UNASKED, UNDELIVERED, WAITING};

/// What came of the occasions of a survey.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Funnel {
    /// Everybody who could have been asked, each time.
    pub occasions: u64,
    /// Not yet decided on.
    pub waiting: u64,
    /// Not of the sample.
    pub sampled_out: u64,
    /// Not asked, by reason.
    pub suppressed: BTreeMap<String, u64>,
    /// Asked.
    pub invited: u64,
    /// Asked, and not reached.
    pub undelivered: u64,
    /// Asked, and reached as far as is known.
    pub delivered: u64,
    /// Reached, and looked at it.
    pub opened: u64,
    /// Reached, and answered.
    pub answered: u64,
    /// Asked by nobody: opened it themselves, beside a page of the company's own. They are none of the others.
    pub unasked: u64,
    /// Answered of those.
    pub unasked_answered: u64,
    /// Answered of delivered; `None` where nothing was delivered.
    pub response_rate: Option<Share>,
}

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub estimate: f64,
    /// The lower end of the interval (Wilson).
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Funnel {
    /// Of the counts of some waves. Delivered is who was asked and not lost on the way: that something arrived only some channels say.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a FunnelRow>, confidence: Confidence) -> Self {
        let mut funnel = Self::default();
        let count = |it: i64| u64::try_from(it).unwrap_or_default();
        for row in rows {
            let n = count(row.occasions);
            if row.state == UNASKED {
                funnel.unasked += n;
                funnel.unasked_answered += count(row.answered);
                continue;
            }
            funnel.occasions += n;
            match row.state.as_str() {
                WAITING => funnel.waiting += n,
                SAMPLED_OUT => funnel.sampled_out += n,
                SUPPRESSED => *funnel.suppressed.entry(row.reason.clone().unwrap_or_default()).or_default() += n,
                UNDELIVERED => (funnel.invited, funnel.undelivered) = (funnel.invited + n, funnel.undelivered + n),
                INVITED => {
                    funnel.invited += n;
                    funnel.delivered += n;
                    funnel.opened += count(row.opened);
                    funnel.answered += count(row.answered);
                }
                _ => {}
            }
        }
        let rate = share(funnel.answered, funnel.delivered, confidence);
        funnel.response_rate = rate.map(|(estimate, (low, high))| Share { estimate, low, high });
        funnel
    }
}
