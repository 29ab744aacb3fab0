//! Letters as real servers write them (`tests/samples`), and letters that nobody would write.

use super::*;
use proptest::prelude::*;

/// Kind, recipient, status, and whether our Message-ID was found, of each entry.
fn summary(letter: &[u8]) -> Vec<(Kind, String, String, bool)> {
    read(letter)
        .into_iter()
        .map(|each| {
            let known = each.original_message_id.as_deref() == Some("<m-7f3a@mail.example.org>");
            (each.kind, each.recipient.unwrap_or_default(), each.status.unwrap_or_default(), known)
        })
        .collect()
}

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/samples/", $name, ".eml"))
    };
}

fn samples() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("postfix_unknown", sample!("postfix_unknown")),
        ("postfix_delayed", sample!("postfix_delayed")),
        ("postfix_two", sample!("postfix_two")),
        ("exchange_unknown", sample!("exchange_unknown")),
        ("exchange_policy", sample!("exchange_policy")),
        ("gmail_unknown", sample!("gmail_unknown")),
        ("gmail_full", sample!("gmail_full")),
        ("yahoo_complaint", sample!("yahoo_complaint")),
        ("qmail", sample!("qmail")),
        ("exim", sample!("exim")),
        ("qq", sample!("qq")),
        ("netease", sample!("netease")),
        ("delivered", sample!("delivered")),
        ("holiday", sample!("holiday")),
        ("answer", sample!("answer")),
    ]
}

#[test]
fn letters_of_real_servers_are_understood() {
    let jane = "jane.doe@example.com";
    type Entry = (Kind, &'static str, &'static str, bool);
    let cases: Vec<(&str, Vec<Entry>)> = vec![
        ("postfix_unknown", vec![(Kind::Hard, jane, "5.1.1", true)]),
        ("postfix_delayed", vec![(Kind::Delayed, jane, "4.4.1", true)]),
        (
            "postfix_two",
            vec![(Kind::Soft, "full@example.com", "5.2.2", true), (Kind::Hard, "old+shop@example.net", "5.1.2", true)],
        ),
        ("exchange_unknown", vec![(Kind::Hard, jane, "5.1.10", true)]),
        ("exchange_policy", vec![(Kind::Soft, jane, "5.7.1", true)]),
        ("gmail_unknown", vec![(Kind::Hard, jane, "5.1.1", true)]),
        ("gmail_full", vec![(Kind::Soft, jane, "5.2.2", true)]),
        ("yahoo_complaint", vec![(Kind::Complaint, jane, "", true)]),
        ("qmail", vec![(Kind::Hard, jane, "5.1.1", true)]),
        ("exim", vec![(Kind::Hard, jane, "", true)]),
        ("qq", vec![(Kind::Hard, jane, "", true)]),
        ("netease", vec![(Kind::Soft, jane, "5.0.0", true)]),
        ("delivered", vec![(Kind::Delivered, jane, "2.0.0", true)]),
        ("holiday", vec![(Kind::AutoReply, jane, "", true)]),
        ("answer", vec![(Kind::Unknown, jane, "", true)]),
    ];
    assert_eq!(cases.len(), samples().len());
    for ((name, letter), (expected_of, expected)) in samples().into_iter().zip(cases) {
        assert_eq!(name, expected_of);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(kind, to, status, known)| (kind, to.to_owned(), status.to_owned(), known))
            .collect();
        assert_eq!(summary(letter), expected, "{name}: {:#?}", read(letter));
        // As it comes over IMAP.
        let text = String::from_utf8_lossy(letter).replace("\r\n", "\n").replace('\n', "\r\n");
        assert_eq!(summary(text.as_bytes()), expected, "{name} with CRLF");
        for each in read(letter) {
            assert!(!each.diagnostic.contains("jane.doe"), "{name}: {}", each.diagnostic);
            assert_eq!(each.returned_to.as_deref(), Some("bounce+7f3a@mail.example.org"), "{name}");
        }
    }
}

#[test]
fn what_nobody_understands_is_soft() {
    for text in ["Something went wrong with jane.doe@example.com", "", "550 xyz", "\u{fffd}\u{fffd}"] {
        let letter = format!("From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n{text}\n");
        let found = read(letter.as_bytes());
        assert_eq!((found.len(), found[0].kind), (1, Kind::Soft), "{text}");
    }
    // A person's words are no bounce.
    let letter = "From: jane.doe@example.com\nSubject: Re: Hello\n\n550 5.1.1 user unknown, haha\n";
    assert_eq!(read(letter.as_bytes())[0].kind, Kind::Unknown);
}

#[test]
fn hostile_letters_are_read_to_an_end() {
    let mut letters: Vec<Vec<u8>> = Vec::new();
    letters.push(b"Content-Type: message/rfc822\n\n".repeat(30_000));
    letters.push(b"Content-Type: MESSAGE/RFC822\n\n".repeat(390));
    letters.push("Content-Type: multipart/mixed; boundary=a\n\n--a\n".repeat(10_000).into_bytes());
    letters.push(
        (0..5_000)
            .map(|n| format!("Content-Type: multipart/digest; boundary=b{n}\n\n--b{n}\n\n"))
            .collect::<String>()
            .into_bytes(),
    );
    letters.push([b"Subject: ".to_vec(), b"=?utf-8?q?".repeat(80_000)].concat());
    letters.push([b"From: ".to_vec(), b"<<(((".repeat(200_000)].concat());
    letters.push(vec![0; 2 * LARGEST]);
    let group = "Final-Recipient: rfc822; a@b.org\nAction: failed\nStatus: 5.1.1\n\n";
    letters.push(
        format!(
            "Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n{}",
            group.repeat(300)
        )
        .into_bytes(),
    );
    for letter in letters {
        let found = read(&letter);
        assert!(found.len() <= MOST_RECIPIENTS, "{}", found.len());
    }
}

proptest! {
    #[test]
    fn nothing_panics(letter in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read(&letter);
    }

    /// Real letters with pieces torn out, doubled and spoiled.
    #[test]
    fn broken_letters_do_not_panic_and_never_become_large(which in 0..15_usize, from in 0..4_000_usize, length in 0..600_usize, put in ".{0,30}") {
        let letter = samples()[which].1;
        let (from, to) = (from.min(letter.len()), (from + length).min(letter.len()));
        let broken = [&letter[..from], put.as_bytes(), &letter[to..], &letter[from..to]].concat();
        for each in read(&broken) {
            prop_assert!(each.diagnostic.len() <= crate::redaction::LONGEST);
            prop_assert!(each.original_message_id.is_none_or(|id| id.len() <= 252 && id.is_ascii()));
        }
    }

    /// Whatever a server says without a known word or code is not hard.
    #[test]
    fn unknown_words_are_never_hard(said in "[a-z ]{0,60}") {
        prop_assume!(!["unknown", "exist", "not found", "invalid", "disabled", "such"].iter().any(|word| said.contains(word)));
        prop_assert_eq!(verdict::kind(None, &said), Kind::Soft);
        prop_assert_eq!(verdict::kind(Some("4.1.1"), &said), Kind::Soft);
    }
}
