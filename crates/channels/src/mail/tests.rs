//! What a mail becomes, read back by another program's parser (mail-parser).

use super::*;
use mail_parser::MessageParser;
use proptest::prelude::*;

fn mail() -> Mail {
    Mail {
        message_id: message_id("01J8-a.b", "mail.example.org"),
        date: Timestamp::parse("2026-11-27T05:00:00Z").unwrap(),
        from: Mailbox::new("Kräuter & Söhne", "shop@example.org"),
        reply_to: Some(Mailbox::new("", "help@example.org")),
        return_path: Some("bounce+1@mail.example.org".to_owned()),
        to: Mailbox::new("王小明", "ming@example.com"),
        subject: "您的订单已发货 – Ihre Bestellung ist unterwegs, und zwar schneller als gedacht".to_owned(),
        text: "Guten Tag,\n\nschöne Grüße\n.\n您好".to_owned(),
        html: Some(format!("<p>您好</p><p>{}</p>", "long ".repeat(400))),
        list_unsubscribe: Some(ListUnsubscribe {
            https_url: "https://example.org/u/abc,def?x=1".to_owned(),
            mailto: Some("stop+abc@example.org".to_owned()),
        }),
        headers: vec![("Feedback-ID".to_owned(), "campaign:7:rapport".to_owned())],
    }
}

#[test]
fn another_parser_reads_what_was_meant() {
    let mail = mail();
    let prepared = mail.prepare(&[]).unwrap();
    assert_eq!((&*prepared.sender, &*prepared.recipient), ("bounce+1@mail.example.org", "ming@example.com"));
    assert!(prepared.bytes.is_ascii());
    assert!(
        prepared
            .bytes
            .split(|byte| *byte == b'\n')
            .all(|line| line.len() <= 998 && line.ends_with(b"\r") || line.is_empty())
    );
    let read = MessageParser::default().parse(&prepared.bytes).unwrap();
    assert_eq!(read.message_id(), Some("01J8-a.b@mail.example.org"));
    assert_eq!(read.subject(), Some(&*mail.subject));
    assert_eq!(read.from().unwrap().first().unwrap().name(), Some("Kräuter & Söhne"));
    assert_eq!(read.to().unwrap().first().unwrap().name(), Some("王小明"));
    assert_eq!(read.reply_to().unwrap().first().unwrap().address(), Some("help@example.org"));
    assert_eq!(read.date().unwrap().to_rfc3339(), "2026-11-27T05:00:00Z");
    assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), mail.text);
    assert_eq!(read.body_html(0).unwrap(), mail.html.unwrap());
    assert_eq!(read.header_raw("List-Unsubscribe-Post").unwrap().trim(), "List-Unsubscribe=One-Click");
    assert_eq!(
        read.header_raw("List-Unsubscribe").unwrap().trim(),
        "<https://example.org/u/abc%2Cdef?x=1>,\r\n <mailto:stop+abc@example.org>"
    );
    assert_eq!(read.header_raw("Auto-Submitted").unwrap().trim(), "auto-generated");
    assert_eq!(read.header_raw("Feedback-ID").unwrap().trim(), "campaign:7:rapport");
}

#[test]
fn lines_end_as_a_mail_has_them() {
    assert_eq!(lines("a\nb\r\nc\rd\r\r\n\n\0e"), "a\r\nb\r\nc\r\nd\r\n\r\n\r\ne");
}

#[test]
fn several_spaces_do_not_join_words() {
    let mail = Mail { subject: " 您好  朋友\t \u{2028}Grüße ".to_owned(), ..mail() };
    let prepared = mail.prepare(&[]).unwrap();
    assert_eq!(MessageParser::default().parse(&prepared.bytes).unwrap().subject(), Some("您好 朋友 Grüße"));
}

#[test]
fn the_same_mail_has_the_same_bytes() {
    assert_eq!(mail().prepare(&[]).unwrap().bytes, mail().prepare(&[]).unwrap().bytes);
}

#[test]
fn a_mail_that_was_asked_for_has_no_list_headers() {
    let prepared = Mail { list_unsubscribe: None, html: None, ..mail() }.prepare(&[]).unwrap();
    let read = MessageParser::default().parse(&prepared.bytes).unwrap();
    assert!(read.header_raw("List-Unsubscribe").is_none() && read.header_raw("Precedence").is_none());
    assert_eq!(read.attachment_count(), 0);
}

#[test]
fn nothing_becomes_a_header_of_its_own() {
    let other = |name: &str, value: &str| Mail { headers: vec![(name.to_owned(), value.to_owned())], ..mail() };
    let to = |address: &str| Mail { to: Mailbox::new("", address), ..mail() };
    let list = |url: &str, mailto: Option<&str>| Mail {
        list_unsubscribe: Some(ListUnsubscribe { https_url: url.to_owned(), mailto: mailto.map(str::to_owned) }),
        ..mail()
    };
    for (what, mail) in [
        ("subject", Mail { subject: "a\r\nBcc: all@example.org".to_owned(), ..mail() }),
        ("subject NUL", Mail { subject: "a\0b".to_owned(), ..mail() }),
        ("long subject", Mail { subject: "a".repeat(1_000), ..mail() }),
        ("address", to("a@b.org\r\nRCPT TO:<all@example.org>")),
        ("message id", Mail { message_id: "<a@b>\r\nX: y".to_owned(), ..mail() }),
        ("message id without brackets", Mail { message_id: "a@b".to_owned(), ..mail() }),
        ("return path", Mail { return_path: Some("a@b.org> SIZE=1".to_owned()), ..mail() }),
        ("header value", other("X-A", "b\r\nBcc: all@example.org")),
        ("header name", other("X-A: b\r\nBcc", "all@example.org")),
        ("header Bcc", other("bcc", "all@example.org")),
        ("header Content-Type", other("Content-Type", "text/plain")),
        ("header Resent-To", other("Resent-To", "a@b.org")),
        ("empty header name", other("", "x")),
        ("http", list("http://example.org/u", None)),
        ("javascript", list("javascript:alert(1)", None)),
        ("mailto", list("https://example.org", Some("a@b.org>, <mailto:c@d.org"))),
        ("empty text", Mail { text: " \n".to_owned(), ..mail() }),
        ("large", Mail { html: Some("x".repeat(LARGEST_PART + 1)), ..mail() }),
        ("before 1970", Mail { date: Timestamp(-1), ..mail() }),
        ("after 9999", Mail { date: Timestamp(i64::MAX), ..mail() }),
    ] {
        assert!(matches!(mail.prepare(&[]), Err(Error::Message { .. })), "{what}");
    }
}

proptest! {
    #[test]
    fn names_and_texts_of_any_kind_make_one_mail(name in ".{0,200}", subject in "\\PC{0,80}", text in ".{1,300}") {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let (meant, said) = (words(&Mailbox::new(&*name, "a@b.org").checked("to").unwrap().name.unwrap_or_default()), words(&subject));
        let mail = Mail { to: Mailbox::new(name, "a@b.org"), subject, text: format!("x{text}"), html: None, ..mail() };
        let prepared = mail.prepare(&[]).unwrap();
        prop_assert!(prepared.bytes.is_ascii());
        let read = MessageParser::default().parse(&prepared.bytes).unwrap();
        let names: Vec<&str> = read.headers().iter().map(mail_parser::Header::name).collect();
        let once = ["From", "To", "Subject", "Date", "Message-ID", "Reply-To"];
        for header in once {
            prop_assert_eq!(names.iter().filter(|name| name.eq_ignore_ascii_case(header)).count(), 1, "{} {:?}", header, names);
        }
        prop_assert!(!names.contains(&"Bcc"));
        prop_assert_eq!(words(read.subject().unwrap_or_default()), said);
        prop_assert_eq!(words(read.to().unwrap().first().unwrap().name().unwrap_or_default()), meant);
        let to = read.to().unwrap();
        prop_assert_eq!(to.iter().count(), 1);
        prop_assert_eq!(to.first().unwrap().address(), Some("a@b.org"));
    }
}
