//! Each ready journey, played through by somebody whose conditions all hold and who does nothing more.

use rapport_engagement::journey::ready::{self, KEYS};
use rapport_engagement::journey::rules::What;

use super::{NOON, Walk, ts, willing};

#[test]
fn each_ready_journey_comes_to_its_end_and_sends_what_it_says() {
    for key in KEYS {
        let ready = ready::ready(key).unwrap();
        let mut definition = ready.definition;
        definition.holdout_percent = 0.0;
        let mut person = willing(7);
        person.members.extend(definition.conditions().iter().map(|(_, when)| when.segment()));
        let mut walk = Walk::begin_as(definition, person, NOON);
        let mut looks = 0;
        while walk.instance.ended.is_none() {
            let wake = walk.instance.wake_at.unwrap_or_else(|| panic!("{key}: nobody wakes them"));
            assert!(wake >= ts(NOON) && looks < 50, "{key}: it never ends");
            walk.look_at(wake, &mut super::Free);
            looks += 1;
        }
        assert_eq!(walk.end().as_deref(), Some("completed"), "{key}");
        let sent: Vec<String> = walk
            .done()
            .into_iter()
            .filter_map(|(.., what)| match what {
                What::Send { template, .. } => Some(template),
                _ => None,
            })
            .collect();
        assert!(!sent.is_empty(), "{key}: {:?}", walk.done());
        assert!(sent.iter().all(|template| ready.templates.contains(&template.as_str())), "{key}: {sent:?}");
    }
}
