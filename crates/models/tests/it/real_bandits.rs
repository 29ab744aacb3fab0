//! The open bandit data (Saito, Aihara, Matsutani and Narita 2020): what the uniform policy brings, told from what Thompson sampling did, and from itself.
//! The data is not part of the repository: without it the test says that it is skipped.

use rapport_models::bandits::{Logged, inverse_propensity, self_normalised};

use crate::given;

fn logged(name: &str, target: f64) -> Option<Vec<Logged>> {
    let text = String::from_utf8(given::bytes(&format!("open_bandit/{name}"))?).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let place = |name: &str| head.iter().position(|it| *it == name).unwrap();
    let (click, propensity) = (place("click"), place("propensity_score"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        Logged { propensity: fields[propensity].parse().unwrap(), target, reward: fields[click].parse().unwrap() }
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// Clicks as counted: 46 of 10,000 (uniform, men), 69 (Thompson, men), 46 and 46 (women). Weights without a limit rest on almost nothing; with one the
/// interval from Thompson's log holds the rate that the uniform policy had.
#[test]
fn the_uniform_policy_told_from_the_log_of_another() {
    for (campaign, arms, clicks) in [("men", 34.0, [46, 69]), ("women", 46.0, [46, 46])] {
        let target = 1.0 / arms;
        let Some(own) = logged(&format!("random_{campaign}.csv.zst"), target) else { return };
        let Some(other) = logged(&format!("bts_{campaign}.csv.zst"), target) else { return };
        for (rows, wanted) in [(&own, clicks[0]), (&other, clicks[1])] {
            assert_eq!((rows.len(), rows.iter().filter(|it| it.reward == 1.0).count()), (10_000, wanted));
        }
        let found = self_normalised(&own, f64::MAX).unwrap();
        assert!((found.reward.value - 0.0046).abs() < 1e-6 && (found.effective - 1e4).abs() < 1.0, "{found:?}");
        let cut = inverse_propensity(&other, 10.0).unwrap();
        let free = inverse_propensity(&other, f64::MAX).unwrap();
        println!("{campaign} {cut:?} {free:?} {:?}", self_normalised(&other, 10.0));
        assert!(self_normalised(&other, 10.0).unwrap().reward.interval().holds(0.0046));
        assert!(free.effective < cut.effective && cut.cut > 0);
    }
}
