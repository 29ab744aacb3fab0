//! Many comparisons at once: how many of those that are called discoveries are chance.

/// The false discovery rate at which each test would just be called a discovery, in the order of `probabilities`: the step-up procedure of
/// Benjamini and Hochberg (1995), as adjusted values (R's `p.adjust(method = "BH")`).
pub fn adjusted(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut least = 1.0_f64;
    for (after, at) in order.into_iter().enumerate() {
        let rank = probabilities.len() - after;
        least = least.min(probabilities[at] * probabilities.len() as f64 / rank as f64);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the paper (section 3.2, thrombolysis in myocardial infarction): at 5 % the first four are discoveries.
    #[test]
    fn the_papers_example_has_four_discoveries() {
        let probabilities = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let adjusted = adjusted(&probabilities);
        assert_eq!(adjusted.iter().filter(|q| **q <= 0.05).count(), 4);
        for (q, wanted) in adjusted.iter().zip([0.0015, 0.0030, 0.0095, 0.035_625]) {
            assert!((q - wanted).abs() < 1e-12, "{q} {wanted}");
        }
    }

    #[test]
    fn the_order_of_the_tests_does_not_matter() {
        assert_eq!(adjusted(&[0.04, 0.01, 0.03]), [0.04, 0.03, 0.04]);
        assert_eq!(adjusted(&[]), Vec::<f64>::new());
    }
}
