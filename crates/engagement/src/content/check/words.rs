//! Words in a subject that filters and readers often distrust. A short list on purpose: modern filters judge the sender's reputation far
//! more than words, so this is a hint about tone.

/// Lower case. Latin words are found as whole words, Chinese ones anywhere.
const WORDS: &[&str] = &[
    "100% free",
    "act now",
    "cash bonus",
    "cheap",
    "click here",
    "congratulations",
    "double your",
    "earn money",
    "free gift",
    "free money",
    "guaranteed",
    "limited time only",
    "make money",
    "miracle",
    "no risk",
    "risk free",
    "urgent",
    "winner",
    "you have been selected",
    "免费领取",
    "中奖",
    "恭喜您",
    "点击这里",
    "赚钱",
    "稳赚",
    "最后机会",
    "零风险",
    "速领",
    "100%免费",
];

/// Those of the list that a text holds.
pub(super) fn suspicious(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    WORDS.iter().copied().filter(|word| holds(&text, word)).collect()
}

fn holds(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(word).any(|(at, found)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
        !word.is_ascii() || !is_letter(before) && !is_letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_only() {
        assert_eq!(suspicious("Act NOW: urgent!"), ["act now", "urgent"]);
        assert_eq!(suspicious("Insurgent winners from Cheapside"), [""; 0]);
        assert_eq!(suspicious("恭喜您获得优惠"), ["恭喜您"]);
    }
}
