//! The rule on cases that can be read, and against one word after the other on random ones.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const NOW: Timestamp = Timestamp(100);

fn said(handle: i64, at: i64, state: State, scope: Scope) -> Statement {
    Statement { handle: Handle(handle), scope, state, at: Timestamp(at), until: None }
}

fn email() -> Scope {
    Scope::marketing(Channel::Email)
}

fn verdict(statements: &[Statement], asked: &Scope) -> Verdict {
    standing(statements, asked, NOW).verdict
}

#[test]
fn what_nobody_said_is_not_agreed_to() {
    assert_eq!(verdict(&[], &email()), Verdict::Unknown);
    let about_another_channel = said(1, 1, State::Granted, Scope::marketing(Channel::Sms));
    assert_eq!(verdict(&[about_another_channel], &email()), Verdict::Unknown);
    let for_another_purpose = Scope { purpose: Purpose::Analytics, ..email() };
    assert_eq!(verdict(&[said(1, 1, State::Granted, for_another_purpose)], &email()), Verdict::Unknown);
    let in_the_future = said(1, 101, State::Granted, email());
    assert_eq!(verdict(&[in_the_future], &email()), Verdict::Unknown);
}

#[test]
fn the_later_word_counts_and_of_two_at_once_the_refusal() {
    let yes = |at| said(1, at, State::Granted, email());
    let no = |at| said(1, at, State::Withdrawn, email());
    assert_eq!(verdict(&[yes(1), no(2)], &email()), Verdict::Denied);
    assert_eq!(verdict(&[yes(3), no(2)], &email()), Verdict::Granted);
    assert_eq!(verdict(&[yes(2), no(2)], &email()), Verdict::Denied);
}

#[test]
fn what_is_said_of_everything_covers_each_topic() {
    let news = email().about("news");
    let everything = Scope { channel: None, ..email() };
    assert_eq!(verdict(&[said(1, 1, State::Granted, everything.clone())], &news), Verdict::Granted);
    // One topic is refused: the others stay.
    let but_news = [said(1, 1, State::Granted, everything.clone()), said(1, 2, State::Denied, news.clone())];
    assert_eq!(verdict(&but_news, &news), Verdict::Denied);
    assert_eq!(verdict(&but_news, &email().about("offers")), Verdict::Granted);
    // A refusal of one topic is not answered by agreeing to everything, but by agreeing to the topic.
    let later = |scope| [but_news.to_vec(), vec![said(1, 3, State::Granted, scope)]].concat();
    assert_eq!(verdict(&later(everything.clone()), &news), Verdict::Denied);
    assert_eq!(verdict(&later(news.clone()), &news), Verdict::Granted);
    // Who leaves everything and comes back for one topic gets that topic.
    let back = [said(1, 1, State::Withdrawn, everything), said(1, 2, State::Granted, news.clone())];
    assert_eq!(verdict(&back, &news), Verdict::Granted);
    assert_eq!(verdict(&back, &email()), Verdict::Denied);
}

#[test]
fn an_agreement_may_end_or_wait_to_be_confirmed() {
    let until = |until| Statement { until: Some(Timestamp(until)), ..said(1, 1, State::Granted, email()) };
    assert_eq!(verdict(&[until(101)], &email()), Verdict::Granted);
    assert_eq!(verdict(&[until(100)], &email()), Verdict::Expired);
    let asked = said(1, 1, State::Pending, email());
    assert_eq!(verdict(std::slice::from_ref(&asked), &email()), Verdict::Pending);
    assert_eq!(verdict(&[asked.clone(), said(1, 2, State::Granted, email())], &email()), Verdict::Granted);
    assert_eq!(verdict(&[said(1, 1, State::Denied, email()), asked], &email()), Verdict::Denied);
}

#[test]
fn of_merged_persons_the_stricter_word_counts_until_they_speak_again() {
    let refused = said(1, 1, State::Denied, email());
    let agreed = said(2, 5, State::Granted, email());
    assert_eq!(verdict(&[refused.clone(), agreed.clone()], &email()), Verdict::Denied);
    // Split again, each part has its own.
    assert_eq!(verdict(std::slice::from_ref(&agreed), &email()), Verdict::Granted);
    let again = [refused, agreed, said(1, 9, State::Granted, email()), said(2, 9, State::Granted, email())];
    assert_eq!(verdict(&again, &email()), Verdict::Granted);
}

#[test]
fn facts_about_consent_have_names_that_people_can_read() {
    let key = |scope: Scope| scope.fact_key();
    assert_eq!(key(email()), "consent.email");
    assert_eq!(key(email().about("news")), "consent.email.news");
    assert_eq!(key(Scope { purpose: Purpose::Sharing, channel: None, topic: None }), "consent.sharing");
    assert_eq!(key(Scope { purpose: Purpose::Sharing, ..Scope::marketing(Channel::Ads) }), "consent.sharing.ads");
    assert_eq!(Scope::of_fact("consent.marketing.email"), Some(email()));
    for other in ["consent", "consent.", "consent.pigeon", "consent.Email", "consent.any.news", "trait.consent.email"] {
        assert_eq!(Scope::of_fact(other), None, "{other}");
    }
}

/// Nobody can make a look at what they agreed to take long by saying it ten thousand times.
#[test]
fn who_speaks_often_costs_no_more_than_who_speaks_once() {
    let often: Vec<Statement> = (0..200_000)
        .map(|at| {
            let state = if at % 2 == 0 { State::Granted } else { State::Denied };
            let until = (at % 6 == 0).then_some(Timestamp(at + 200_001 - at / 2));
            Statement { until, ..said(1, at, state, email()) }
        })
        .collect();
    assert_eq!(history(&often, &email().about("news")).len(), often.len());
    assert_eq!(standing(&often, &email(), Timestamp(300_000)).verdict, Verdict::Denied);
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let purpose = select(vec![Purpose::Marketing, Purpose::Marketing, Purpose::Marketing, Purpose::Sharing]);
    let channel = select(vec![None, Some(Channel::Email), Some(Channel::Sms)]);
    let topic = select(vec![None, Some("news".to_owned()), Some("offers".to_owned())]);
    (purpose, channel, topic).prop_map(|(purpose, channel, topic)| Scope { purpose, channel, topic })
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let until = prop_oneof![3 => Just(None), 1 => (90i64..110).prop_map(|at| Some(Timestamp(at)))];
    (1i64..4, any_scope(), select(State::ALL.to_vec()), 90i64..110, until)
        .prop_map(|(handle, scope, state, at, until)| Statement { until, ..said(handle, at, state, scope) })
}

/// One word after the other: a refusal stands in the way until it is answered; everything said at one instant is taken with the refusals last.
fn plain(statements: &[Statement], asked: &Scope, now: Timestamp) -> Verdict {
    let mut worst = Verdict::Unknown;
    for handle in 1..4 {
        let mut own: Vec<&Statement> =
            statements.iter().filter(|it| it.handle.0 == handle && it.at <= now && it.scope.covers(asked)).collect();
        own.sort_by_key(|it| (it.at, it.state.is_refusal()));
        let (mut in_the_way, mut agreed, mut pending, mut expired) = (Vec::<Scope>::new(), false, false, false);
        for it in own {
            match it.state {
                State::Granted if it.until.is_none_or(|until| until > now) => {
                    in_the_way.retain(|refused| !refused.covers(&it.scope));
                    agreed = true;
                }
                State::Granted => expired = true,
                State::Pending => pending = true,
                State::Denied | State::Withdrawn => in_the_way.push(it.scope.clone()),
            }
        }
        let verdict = match (in_the_way.is_empty(), agreed, pending, expired) {
            (false, ..) => Verdict::Denied,
            (_, true, ..) => Verdict::Granted,
            (_, _, true, _) => Verdict::Pending,
            (_, _, _, true) => Verdict::Expired,
            _ => Verdict::Unknown,
        };
        worst = worst.max(verdict);
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_is_what_comes_of_one_word_after_the_other(
        statements in prop::collection::vec(any_statement(), 0..10), asked in any_scope()
    ) {
        prop_assert_eq!(verdict(&statements, &asked), plain(&statements, &asked, NOW));
    }

    /// Every change is told, none twice, and none that is not one; before the first nothing holds.
    #[test]
    fn over_time_it_is_what_holds_at_each_instant(
        statements in prop::collection::vec(any_statement(), 0..12), asked in any_scope()
    ) {
        let changes = history(&statements, &asked);
        for at in (85..115).map(Timestamp) {
            let told = changes.iter().rev().find(|(from, _)| *from <= at).map_or(Verdict::Unknown, |(_, verdict)| *verdict);
            prop_assert_eq!(told, plain(&statements, &asked, at), "at {:?}", at);
            prop_assert_eq!(told, standing(&statements, &asked, at).verdict, "at {:?}", at);
        }
        prop_assert!(changes.is_sorted_by(|one, next| one.0 < next.0 && one.1 != next.1));
    }

    #[test]
    fn a_fact_asks_about_what_it_is_named_after(
        purpose in select(Purpose::ALL.to_vec()), channel in select([vec![None], Channel::ALL.map(Some).to_vec()].concat()),
        topic in prop::option::of("[a-z.-]{1,9}")
    ) {
        let scope = Scope { purpose, channel, topic };
        prop_assert_eq!(Scope::of_fact(&scope.fact_key()), Some(scope));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        statements in prop::collection::vec(any_statement(), 0..10), asked in any_scope()
    ) {
        let mut other = statements.clone();
        other.reverse();
        prop_assert_eq!(standing(&statements, &asked, NOW), standing(&other, &asked, NOW));
    }

    /// Also when persons are merged: nobody is ever used because of what somebody else's identifier said, if their own said no.
    #[test]
    fn a_refusal_now_is_a_refusal(
        statements in prop::collection::vec(any_statement(), 0..10), asked in any_scope(), handle in 1i64..4
    ) {
        let mut statements = statements;
        statements.push(said(handle, NOW.0, State::Withdrawn, Scope { channel: None, topic: None, ..asked.clone() }));
        prop_assert_eq!(verdict(&statements, &asked), Verdict::Denied);
    }
}
