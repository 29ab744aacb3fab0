//! A trigger as the page shows it: who has it now, and by which condition a segment of them is made.

use rapport_domain::shop_events::{
    COMPLAINT_OPENED, ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, PRODUCT_REVIEWED, REFERRAL_MADE,
    SURVEY_ANSWERED, TICKET_OPENED,
};
use rapport_segments::{Condition, Limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Trigger;

/// A trigger now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnTriggerNow)]
pub struct Told {
    /// The trigger.
    pub trigger: Trigger,
    /// How many people it happened to lately who are not lost.
    pub now: u64,
    /// The condition of a segment of those to whom it happens, as near as a condition can say it; null where none can.
    #[schema(value_type = Option<Object>)]
    pub condition: Option<Value>,
}

impl Told {
    pub(in crate::churn) fn of(trigger: &Trigger, now: u64, window_days: i32) -> Self {
        Self { trigger: trigger.clone(), now, condition: condition(&trigger.steps, window_days) }
    }
}

/// A condition that says that these steps happened within so many days. What happens on one day together, and what a text is about, no condition can say.
fn condition(steps: &[Vec<String>], window_days: i32) -> Option<Value> {
    let tests: Option<Vec<String>> =
        steps.iter().map(|step| if step.len() == 1 { test(&step[0]) } else { None }).collect();
    let text = match tests?.as_slice() {
        [one] => {
            let (event, which) = one.split_once('\n')?;
            format!("performed {event} at least 1 times in the last {window_days} days{which}")
        }
        many => {
            let steps: Vec<String> = many.iter().map(|it| it.replace('\n', "")).collect();
            format!("sequence ({}) spanning {window_days} days in the last {window_days} days", steps.join(", "))
        }
    };
    Condition::from_text(&text, Limits::DEFAULT).ok().map(|it| it.to_json())
}

/// An event, and behind a line's end which of them, as the text of conditions has it.
fn test(word: &str) -> Option<String> {
    let (kind, why) = word.split_once(':').map_or((word, None), |(kind, why)| (kind, Some(why)));
    let (event, own) = match kind {
        "bought" => (ORDER_COMPLETED, ""),
        "refunded" => (ORDER_REFUNDED, ""),
        "cancelled" => (ORDER_CANCELLED, ""),
        "complained" => (COMPLAINT_OPENED, ""),
        "asked" => (TICKET_OPENED, ""),
        "referred" => (REFERRAL_MADE, ""),
        "rated_low" => (PRODUCT_REVIEWED, " where rating <= 2"),
        "rated_high" => (PRODUCT_REVIEWED, " where rating >= 4"),
        "recommends_not" => (SURVEY_ANSWERED, " where type = nps and score <= 6"),
        "recommends" => (SURVEY_ANSWERED, " where type = nps and score >= 9"),
        _ => return None,
    };
    let which = match why {
        None => own.to_owned(),
        // Whether there was a coupon or a discount, one test cannot say.
        Some("discount") => return None,
        Some(why) => {
            let (property, value) = why.split_once('=')?;
            let value = serde_json::to_string(value).ok()?;
            format!(" where {property} = {value}")
        }
    };
    Some(format!("{}\n{which}", serde_json::to_string(event).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(steps: &[&[&str]]) -> Option<String> {
        let steps: Vec<Vec<String>> = steps.iter().map(|it| it.iter().map(|it| (*it).to_owned()).collect()).collect();
        let json = condition(&steps, 56)?;
        Some(Condition::from_json(&json, Limits::DEFAULT).unwrap().to_text())
    }

    #[test]
    fn what_a_condition_can_say_becomes_one() {
        let one = said(&[&["complained:category=late \"again\""]]).unwrap();
        assert!(one.contains("Complaint Opened") && one.contains("56 days") && one.contains("late"), "{one}");
        let many = said(&[&["bought"], &["rated_low"], &["recommends_not"]]).unwrap();
        assert!(
            many.starts_with("sequence (") && many.contains("rating <= 2") && many.contains("score <= 6"),
            "{many}"
        );
        assert_eq!(said(&[&["bought", "refunded"]]), None, "on one day");
        assert_eq!(said(&[&["wrote:topic=delivery"]]), None, "what a text is about");
        assert_eq!(said(&[&["bought:discount"]]), None);
    }
}
