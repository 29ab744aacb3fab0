//! Ready journeys to begin with: the ones that most companies have, each with the template it sends.
//!
//! Always holds: each is read as any other plan, has no error but what its workspace lacks (a template, a way out), and begins with what its templates
//! need; its tests say so.

use rapport_segments::{Condition, Limits};
use serde_json::{Value, json};

use super::definition::Definition;
use crate::Error;

/// A ready journey.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its stable name.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// The ready templates it sends, by their names in the gallery.
    pub templates: Vec<&'static str>,
    /// The plan.
    pub definition: Definition,
}

/// Their names, in the order in which a customer meets them.
pub const KEYS: [&str; 13] = [
    "welcome",
    "tutorial",
    "browse",
    "abandoned_cart",
    "post_purchase",
    "review_request",
    "thank_you",
    "birthday",
    "renewal",
    "lapse_warning",
    "win_back",
    "webinar_invitation",
    "webinar",
];

/// A ready journey by its name.
///
/// # Errors
/// There is none of that name.
pub fn ready(key: &str) -> Result<Ready, Error> {
    let plan = plans().into_iter().find(|(own, ..)| *own == key);
    let Some((key, name, about, templates, form)) = plan else {
        return Err(Error::Refused(format!("there is no ready journey {key}; there are {}", KEYS.join(", "))));
    };
    Ok(Ready { key, name, about, templates, definition: Definition::from_json(&form)? })
}

/// The JSON form of a condition that is written as text.
fn when(text: &str) -> Value {
    Condition::from_text(text, Limits::DEFAULT).map_or(Value::Null, |condition| condition.to_json())
}

fn mail(id: &str, template: &str, next: Option<&str>) -> Value {
    json!({"id": id, "step": {"message": {"channel": "email", "template": template, "next": next}}})
}

fn wait(id: &str, length: &str, next: &str) -> Value {
    json!({"id": id, "step": {"wait": {"how": {"for": length}, "next": next}}})
}

/// Waits for an event; who does it goes to `done`, the others go on.
fn unless(id: &str, event: &str, timeout: &str, done: Option<&str>, next: &str) -> Value {
    json!({"id": id, "step": {"wait_until": {"paths": [{"until": {"event": {"name": event}}, "next": done}], "timeout": timeout, "timed_out": next}}})
}

type Plan = (&'static str, &'static str, &'static str, Vec<&'static str>, Value);

fn plans() -> Vec<Plan> {
    let bought = json!({"event": {"name": "Order Completed"}});
    vec![
        (
            "welcome",
            "Welcome",
            "Greets everybody who agreed to hear from you, and shows those who have not bought after three days how to begin.",
            vec!["welcome"],
            json!({
                "entry": {"segment_entered": {"when": when("fact consent.email = granted")}},
                "goal": bought, "exits": {"at_goal": true, "out_of_audience": true}, "holdout_percent": 5.0, "start": "welcome",
                "nodes": [mail("welcome", "welcome", Some("three_days")),
                    {"id": "three_days", "step": {"wait": {"how": {"day": {"days": 3, "at": "10:00"}}, "next": "again"}}},
                    mail("again", "welcome", None)],
            }),
        ),
        (
            "tutorial",
            "Tutorial",
            "Three lessons, a lesson every two days at the hour at which each person is usually there.",
            vec!["tutorial_first", "tutorial_second", "tutorial_third"],
            json!({
                "entry": {"event": {"name": "Signed Up"}}, "start": "first",
                "nodes": [mail("first", "tutorial_first", Some("two_days")), wait("two_days", "2d", "hour"),
                    {"id": "hour", "step": {"wait": {"how": {"usual_hour": {"fallback": "10:00"}}, "next": "second"}}},
                    mail("second", "tutorial_second", Some("two_more")), wait("two_more", "2d", "third_hour"),
                    {"id": "third_hour", "step": {"wait": {"how": {"usual_hour": {"fallback": "10:00"}}, "next": "third"}}},
                    mail("third", "tutorial_third", None)],
            }),
        ),
        (
            "browse",
            "Looked and left",
            "Somebody looked at a product three times in a week and did not buy: shows it once more.",
            vec!["browse"],
            json!({
                "entry": {"event": {"name": "Product Viewed"}},
                "audience": when("performed \"Product Viewed\" at least 3 times in the last 7 days and never performed \"Order Completed\" in the last 7 days"),
                "reentry": {"after": "30d"}, "goal": bought, "holdout_percent": 10.0, "start": "four_hours",
                "nodes": [wait("four_hours", "4h", "look"), mail("look", "browse", None)],
            }),
        ),
        (
            "abandoned_cart",
            "Abandoned cart",
            "A checkout was begun and not finished within an hour: a reminder, and another one after a day.",
            vec!["abandoned_cart"],
            json!({
                "entry": {"event": {"name": "Checkout Started"}},
                "reentry": {"after": "7d"}, "goal": bought, "holdout_percent": 10.0, "priority": 20, "start": "an_hour",
                "nodes": [unless("an_hour", "Order Completed", "1h", None, "reminder"), mail("reminder", "abandoned_cart", Some("a_day")),
                    unless("a_day", "Order Completed", "1d", None, "last_call"), mail("last_call", "abandoned_cart", None)],
            }),
        ),
        (
            "post_purchase",
            "After the purchase",
            "A day after each order: thanks, and what to know about it.",
            vec!["post_purchase"],
            json!({
                "entry": {"event": {"name": "Order Completed", "key": "order_id"}}, "priority": 10, "start": "a_day",
                "nodes": [wait("a_day", "1d", "thanks"), mail("thanks", "post_purchase", None)],
            }),
        ),
        (
            "review_request",
            "Review request",
            "Ten days after a delivery asks for a review, unless there is one already.",
            vec!["review_request"],
            json!({
                "entry": {"event": {"name": "Order Delivered", "key": "order_id"}}, "reentry": {"after": "60d"},
                "goal": {"event": {"name": "Product Reviewed"}}, "start": "ten_days",
                "nodes": [unless("ten_days", "Product Reviewed", "10d", None, "ask"), mail("ask", "review_request", None)],
            }),
        ),
        (
            "thank_you",
            "Surprise and delight",
            "Thanks people for their fifth order, without asking for anything.",
            vec!["thank_you"],
            json!({
                "entry": {"segment_entered": {"when": when("performed \"Order Completed\" at least 5 times")}}, "start": "morning",
                "nodes": [{"id": "morning", "step": {"wait": {"how": {"day": {"days": 1, "at": "10:00"}}, "next": "thanks"}}},
                    mail("thanks", "thank_you", None)],
            }),
        ),
        (
            "birthday",
            "Birthday",
            "Good wishes in the morning of each birthday, where the person is.",
            vec!["birthday"],
            json!({
                "entry": {"date": {"fact": "trait.birthday", "yearly": true, "at": "08:30"}}, "reentry": {"after": "300d"}, "priority": 30,
                "start": "wishes", "nodes": [mail("wishes", "birthday", None)],
            }),
        ),
        (
            "renewal",
            "Renewal",
            "Two weeks before a subscription renews (by the trait renews_at), and three days before it, each term again.",
            vec!["renewal"],
            json!({
                "entry": {"event": {"name": "Subscription Started", "key": "subscription_id"}}, "reentry": "after_exit",
                "goal": {"event": {"name": "Subscription Renewed"}}, "exits": {"at_goal": false, "out_of_audience": true},
                "priority": 20, "class": "transactional", "start": "before",
                "nodes": [{"id": "before", "step": {"wait_until": {"paths": [
                        {"until": {"condition": when("trait renews_at in the next 14 days")}, "next": "two_weeks"}], "timeout": "366d", "timed_out": null}}},
                    mail("two_weeks", "renewal", Some("eleven_days")),
                    unless("eleven_days", "Subscription Renewed", "11d", Some("settled"), "three_days"),
                    mail("three_days", "renewal", Some("renewed")),
                    {"id": "renewed", "step": {"wait_until": {"paths": [
                        {"until": {"event": {"name": "Subscription Renewed"}}, "next": "settled"}], "timeout": "30d", "timed_out": null}}},
                    wait("settled", "15d", "before")],
            }),
        ),
        (
            "lapse_warning",
            "Lapse warning",
            "Somebody is later than usual with their next order: a word before they are gone.",
            vec!["late_customer"],
            json!({
                "entry": {"segment_entered": {"when": when("fact lifecycle.stage = at_risk")}}, "reentry": {"after": "60d"},
                "goal": bought, "holdout_percent": 10.0, "start": "word", "nodes": [mail("word", "late_customer", None)],
            }),
        ),
        (
            "win_back",
            "Win back",
            "Two letters to those who are lost, a month apart; then they are left in peace.",
            vec!["win_back"],
            json!({
                "entry": {"segment_entered": {"when": when("fact lifecycle.stage = lost")}}, "reentry": {"after": "365d"},
                "goal": bought, "holdout_percent": 20.0, "start": "first",
                "nodes": [mail("first", "win_back", Some("a_month")), unless("a_month", "Order Completed", "30d", None, "second"),
                    mail("second", "win_back", None)],
            }),
        ),
        (
            "webinar_invitation",
            "Webinar invitation",
            "Invites everybody who agreed to hear from you, and once more those who have not registered after three days.",
            vec!["webinar_invitation"],
            json!({
                "entry": {"segment_entered": {"when": when("fact consent.email = granted"), "members_at_launch": true}},
                "goal": {"event": {"name": "Webinar Registered"}}, "start": "invite",
                "nodes": [mail("invite", "webinar_invitation", Some("three_days")),
                    unless("three_days", "Webinar Registered", "3d", None, "again"), mail("again", "webinar_invitation", None)],
            }),
        ),
        (
            "webinar",
            "Webinar",
            "Confirms a registration for a webinar or an event, reminds a day and an hour before (by the trait webinar_at), and follows up: to those who came and to those who did not.",
            vec!["webinar_confirmation", "webinar_reminder", "webinar_followup", "webinar_missed"],
            json!({
                "entry": {"event": {"name": "Webinar Registered", "key": "webinar_id"}}, "class": "transactional", "start": "confirm",
                "goal": {"event": {"name": "Webinar Attended"}}, "exits": {"at_goal": false, "out_of_audience": true},
                "nodes": [mail("confirm", "webinar_confirmation", Some("day_before")),
                    {"id": "day_before", "step": {"wait_until": {"paths": [
                        {"until": {"event": {"name": "Webinar Attended"}}, "next": "came"},
                        {"until": {"condition": when("trait webinar_at in the next 24 hours")}, "next": "remind"}], "timeout": "60d", "timed_out": null}}},
                    mail("remind", "webinar_reminder", Some("hour_before")),
                    {"id": "hour_before", "step": {"wait_until": {"paths": [
                        {"until": {"event": {"name": "Webinar Attended"}}, "next": "came"},
                        {"until": {"condition": when("trait webinar_at in the next 1 hours")}, "next": "last_call"}], "timeout": "2d", "timed_out": "missed"}}},
                    mail("last_call", "webinar_reminder", Some("attend")),
                    unless("attend", "Webinar Attended", "1d", Some("came"), "missed"),
                    mail("came", "webinar_followup", None), mail("missed", "webinar_missed", None)],
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rapport_domain::Channel;

    use super::*;
    use crate::content::known::{self, Group};
    use crate::content::{Limits, Severity, gallery};
    use crate::journey::check::{Known, check};

    struct All;

    impl Known for All {
        fn template(&self, key: &str) -> Option<Channel> {
            gallery::keys().any(|known| known == key).then_some(Channel::Email)
        }
        fn needs(&self, key: &str) -> BTreeSet<Group> {
            gallery::ready(key).map(|it| known::needs(&it.template, Limits::default())).unwrap_or_default()
        }
        fn has_segment(&self, _: &str) -> bool {
            true
        }
        fn has_topic(&self, _: &str) -> bool {
            true
        }
        fn has_list(&self, _: &str) -> bool {
            true
        }
        fn has_action(&self, _: &str) -> bool {
            true
        }
        fn can_send(&self, _: Channel) -> bool {
            true
        }
        fn webhook_problem(&self, _: &str) -> Option<(Severity, &'static str, String)> {
            None
        }
    }

    #[test]
    fn each_can_be_launched_as_it_is() {
        assert_eq!(plans().len(), KEYS.len());
        for key in KEYS {
            let ready = ready(key).unwrap_or_else(|error| panic!("{key}: {error}"));
            let findings = check(&ready.definition, &All);
            let errors: Vec<_> = findings.iter().filter(|it| it.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{key}: {errors:?}");
            assert!(ready.templates.iter().all(|template| gallery::keys().any(|known| known == *template)), "{key}");
            let again = Definition::from_json(&ready.definition.to_json()).unwrap();
            assert_eq!(again, ready.definition, "{key}");
        }
        assert!(ready("nothing").is_err());
    }
}
