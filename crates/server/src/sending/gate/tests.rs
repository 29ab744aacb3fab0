//! The gate, with times that the tests tell.

use super::*;

const TAKES: Duration = Duration::from_millis(10);

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Arrives, and goes if it may.
fn go(gate: &mut Gate, to: &str, pace: Duration, now: Duration) -> bool {
    gate.arrive(to, pace, false, now).is_none() && gate.may_go(to, pace, false, now)
}

#[test]
fn a_domain_gets_so_many_a_second() {
    let mut gate = Gate::new(8);
    let quarter = pace(4);
    assert!(go(&mut gate, "example.com", quarter, at(0)));
    gate.back("example.com", at(0), Went::Well, at(10));
    assert!(!go(&mut gate, "example.com", quarter, at(10)), "its turn is at 250");
    assert_eq!(gate.next_turn(at(10)), Some(at(250)));
    assert!(go(&mut gate, "example.org", quarter, at(10)), "another domain has nothing to do with it");
    assert!(gate.may_go("example.com", quarter, false, at(250)));
    // Of five more, those whose turn is within half a second wait, the others come back one after the other.
    let times: Vec<_> = (0..5).map(|_| gate.arrive("example.com", quarter, false, at(250))).collect();
    assert_eq!(times, [None, None, Some(at(1_000)), Some(at(1_250)), Some(at(1_500))]);
    // A transactional one is not behind those that were sent away.
    assert_eq!(gate.arrive("example.com", quarter, true, at(250)), None);
    gate.back("example.com", at(250), Went::Well, at(260));
    assert!(gate.may_go("example.com", quarter, true, at(500)));
}

#[test]
fn a_domain_that_hangs_has_one_place_and_one_that_began_to_has_half() {
    let (mut gate, none) = (Gate::new(8), Duration::ZERO);
    assert!(go(&mut gate, "hangs.example", none, at(0)));
    assert!(!go(&mut gate, "hangs.example", none, at(0)), "it has shown nothing yet");
    // One that answers gets more each time, up to half.
    let mut most = 0;
    for round in 1..20 {
        let now = at(round * 20);
        let under_way = (0..8).filter(|_| go(&mut gate, "quick.example", none, now)).count();
        most = most.max(under_way);
        (0..under_way).for_each(|_| gate.back("quick.example", now, Went::Well, now + TAKES));
        while gate.lines["quick.example"].waiting[0] > 0 {
            gate.leave("quick.example", false);
        }
    }
    assert_eq!(most, 4);
    // Whoever comes for the slow one is sent away, and nobody for longer than ten minutes, however many they are.
    let now = at(30_000);
    let mut times: Vec<_> = (0..10_000).map(|_| gate.arrive("hangs.example", none, false, now)).collect();
    times.sort_unstable();
    assert!(times[0] > Some(now) && times[9_999] <= Some(now + LONGEST_AWAY), "{:?}", times[9_999]);
    let first_minute = times.iter().filter(|time| **time < Some(at(90_000))).count();
    assert!(first_minute < 2_000, "{first_minute} come back in the first minute");
    // Bad answers halve.
    gate.back("hangs.example", at(0), Went::Badly, at(60_000));
    assert_eq!(gate.lines["hangs.example"].share, 1);
}

#[test]
fn a_place_is_kept_for_what_is_transactional() {
    let (mut gate, none) = (Gate::new(4), Duration::ZERO);
    let gone = (0..10).filter(|number| go(&mut gate, &format!("d{number}.example"), none, at(0))).count();
    assert_eq!(gone, 3);
    assert!(gate.arrive("d0.example", none, true, at(0)).is_none());
    assert!(gate.may_go("d0.example", none, true, at(0)), "though its domain has its share");
    assert!(gate.arrive("e.example", none, true, at(0)).is_none());
    assert!(!gate.may_go("e.example", none, true, at(0)), "all four are under way");
}

#[test]
fn however_many_wait_for_a_domain_they_go_at_its_pace() {
    let mut gate = Gate::new(8);
    let (most, rate) = (2_000, 20);
    let mut queue = vec![Duration::ZERO; most];
    let (mut waiting, mut gone, mut asked, mut now) = (0, Vec::new(), 0, Duration::ZERO);
    let mut under_way: Vec<Duration> = Vec::new();
    while gone.len() < most {
        let (over, rest) = under_way.iter().partition(|began| **began + TAKES <= now);
        under_way = rest;
        let over: Vec<Duration> = over;
        over.iter().for_each(|began| gate.back("example.com", *began, Went::Well, now));
        // As the pool does: those due first, as many as have places.
        queue.sort_unstable();
        let due = queue.iter().take(32 - waiting).take_while(|at| **at <= now).count();
        for _ in queue.drain(..due).collect::<Vec<_>>() {
            asked += 1;
            match gate.arrive("example.com", pace(rate), false, now) {
                None => waiting += 1,
                Some(at) => queue.push(at),
            }
        }
        while waiting > 0 && gate.may_go("example.com", pace(rate), false, now) {
            waiting -= 1;
            gone.push(now);
            under_way.push(now);
        }
        now += TAKES;
        assert!(now < Duration::from_secs(200), "only {} went in {asked} looks", gone.len());
    }
    assert!(gone.windows(2).all(|pair| pair[1].saturating_sub(pair[0]) >= pace(rate)), "too fast");
    assert!((99..=125).contains(&now.as_secs()), "{now:?} for {most} at {rate} a second");
    assert!(asked < 8 * most, "{asked} looks");
}
