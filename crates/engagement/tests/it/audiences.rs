//! The platforms' own examples, and who is in an audience and who is not.

use rapport_domain::Timestamp;
use rapport_engagement::audiences::{Absence, Known, Platform, Row, rows};
use rapport_privacy::{Standing, Verdict};

fn standing(verdict: Verdict) -> Standing {
    Standing { verdict, since: Some(Timestamp(1)) }
}

fn known() -> Known {
    let text = |text: &str| Some(text.to_owned());
    Known {
        emails: vec!["  Jane.Doe+shop@GMail.com ".to_owned()],
        phone: text("+16505551212"),
        first_name: text("Mary"),
        last_name: text("O'Neil Smith"),
        country: text("US"),
        zip: text("94035-1234"),
    }
}

fn only(platform: Platform, known: &Known) -> Row {
    let own = rows(platform, known, standing(Verdict::Granted), false).unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].len(), platform.columns().len());
    own.into_iter().next().unwrap()
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with(change: impl FnOnce(&mut Known)) -> Known {
    let mut known = known();
    change(&mut known);
    known
}

/// "Customer information parameters" of Meta's documentation.
#[test]
fn metas_examples_come_out() {
    let emails = vec!["John_Smith@gmail.com".to_owned()];
    let row = only(Platform::Meta, &with(|it| it.emails = emails));
    assert_eq!(row[0], "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f");
    assert_eq!(row[1], "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176");
    assert_eq!(row[2], "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec");
    for (name, hash) in [
        ("정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ] {
        assert_eq!(only(Platform::Meta, &with(|it| it.first_name = Some(name.to_owned())))[2], hash, "{name}");
    }
    assert_eq!((&row[3], &row[4], &row[5]), (&sha256("oneil smith"), &sha256("94035"), &sha256("us")));
    let uk = with(|it| (it.zip, it.country) = (Some("M1 1AE".to_owned()), Some("gb".to_owned())));
    assert_eq!(only(Platform::Meta, &uk)[4], sha256("m11"));
}

/// "List of supported IDs and formats for a customer file" of TikTok.
#[test]
fn tiktoks_examples_come_out() {
    let example =
        with(|it| (it.emails, it.phone) = (vec!["JaneDoe@gmail.com".to_owned()], Some("+37493828222".to_owned())));
    let row = only(Platform::TikTok, &example);
    assert_eq!(row[0], "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69");
    assert_eq!(row[1], "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4");
    assert_eq!(only(Platform::TikTok, &known())[0], sha256("jane.doe@gmail.com"), "without what follows the plus sign");
}

#[test]
fn google_gets_an_address_whole_or_not_at_all() {
    let row = only(Platform::Google, &known());
    let wanted = [
        sha256("janedoe+shop@gmail.com"),
        sha256("+16505551212"),
        sha256("mary"),
        sha256("oneilsmith"),
        "US".to_owned(),
        "94035-1234".to_owned(),
    ];
    assert_eq!(row, wanted);
    for missing in 0..4 {
        let row = only(
            Platform::Google,
            &with(|it| match missing {
                0 => it.first_name = None,
                1 => it.last_name = Some(" . ".to_owned()),
                2 => it.country = Some("USA".to_owned()),
                _ => it.zip = None,
            }),
        );
        assert_eq!(row[2..], ["", "", "", ""], "{missing}");
    }
    let elsewhere = with(|it| it.emails = vec!["jane.doe@example.org".to_owned()]);
    assert_eq!(only(Platform::Google, &elsewhere)[0], sha256("jane.doe@example.org"), "dots count elsewhere");
    let formula = with(|it| it.zip = Some("=1+1".to_owned()));
    assert_eq!(only(Platform::Google, &formula)[5], "1+1");
}

#[test]
fn several_addresses_are_several_rows_and_none_is_none() {
    let emails = ["a@b.example", "A@b.example ", "c@d.example", "no address", "@", ""].map(str::to_owned).to_vec();
    let several = rows(Platform::Meta, &with(|it| it.emails = emails), standing(Verdict::Granted), false).unwrap();
    assert_eq!(
        several.iter().map(|row| row[0].clone()).collect::<Vec<_>>(),
        [sha256("a@b.example"), sha256("c@d.example")]
    );
    assert!(!several[0][1].is_empty() && several[1][1].is_empty(), "the rest stands beside the first");
    let by_phone = with(|it| it.emails.clear());
    assert_eq!(only(Platform::Meta, &by_phone)[0], "");
    let nothing = with(|it| (it.emails, it.phone) = (Vec::new(), Some("070 555".to_owned())));
    for platform in Platform::ALL {
        let found = rows(platform, &nothing, standing(Verdict::Granted), false);
        assert_eq!(found, Err(Absence::Unknown), "a name and a place are nobody's alone");
    }
    assert_eq!(rows(Platform::LinkedIn, &by_phone, standing(Verdict::Granted), false), Err(Absence::Unknown));
}

#[test]
fn nobody_is_in_it_who_did_not_agree() {
    for (verdict, is_restricted, wanted) in [
        (Verdict::Granted, true, Some(Absence::Restricted)),
        (Verdict::Denied, false, Some(Absence::Refused)),
        (Verdict::Unknown, false, Some(Absence::NotAgreed)),
        (Verdict::Pending, false, Some(Absence::NotAgreed)),
        (Verdict::Expired, false, Some(Absence::NotAgreed)),
        (Verdict::Granted, false, None),
    ] {
        let found = rows(Platform::Meta, &known(), standing(verdict), is_restricted);
        assert_eq!(found.err(), wanted, "{verdict:?}");
    }
}

#[test]
fn words_are_read_back() {
    for platform in Platform::ALL {
        assert_eq!(Platform::parse(platform.as_str()), Some(platform));
    }
    assert_eq!(Platform::parse("myspace"), None);
}
