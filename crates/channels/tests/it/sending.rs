//! What comes of handing mails over, with a server that misbehaves in every step; nothing is ever sent twice.

use std::time::Duration;

use rapport_channels::mail::{Mail, Mailbox, Prepared, message_id};
use rapport_channels::smtp::{Security, Settings, Smtp};
use rapport_channels::{Error, Outcome, Refusal, RefusalKind};
use rapport_domain::Timestamp;

use crate::sink::{AUTHORITY, Act, Manner, Sink};

pub fn mail(to: &str) -> Mail {
    let name: String = to.chars().take_while(|c| *c != '@').filter(char::is_ascii_alphanumeric).collect();
    Mail {
        message_id: message_id(&format!("m{name}"), "mail.example.org"),
        date: Timestamp::parse("2026-11-27T05:00:00Z").unwrap(),
        from: Mailbox::new("Shop", "shop@example.org"),
        reply_to: None,
        return_path: None,
        to: Mailbox::new("Jane", to),
        subject: "Hello".to_owned(),
        text: format!("Hello,\n.\n{}\nBye", "a line of text\n".repeat(40)),
        html: None,
        list_unsubscribe: None,
        headers: Vec::new(),
    }
}

fn prepared(name: &str) -> Prepared {
    mail(&format!("{name}@example.com")).prepare(&[]).unwrap()
}

fn transport(sink: &Sink, change: impl FnOnce(&mut Settings)) -> Smtp {
    let mut settings = Settings::new("localhost", sink.port, Security::Plain);
    settings.timeout = Duration::from_secs(5);
    settings.answer_timeout = Duration::from_millis(400);
    change(&mut settings);
    Smtp::new(settings).unwrap()
}

fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn bare(pipelining: bool) -> Manner {
    let mut manner = Manner::default();
    if !pipelining {
        manner.extensions.remove(0);
    }
    manner
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_made() {
    for pipelining in [true, false] {
        let sink = Sink::start(bare(pipelining), &[]).await;
        let smtp = transport(&sink, |_| {});
        let mail = prepared("jane");
        let outcome = smtp.send(&mail).await;
        assert_eq!(outcome, Outcome::Accepted { id: None, response: "2.0.0 queued as 4XyZ".to_owned() });
        let kept = sink.kept();
        assert_eq!((kept.len(), &kept[0].bytes, &*kept[0].recipient), (1, &mail.bytes, "jane@example.com"));
        assert_eq!(kept[0].envelope, format!("MAIL FROM:<shop@example.org> SIZE={}", mail.bytes.len()));
    }
}

#[tokio::test]
async fn every_refusal_says_what_follows_from_it() {
    use RefusalKind::{Message, Policy, Recipient, Temporary};
    let script = [
        ("unknown", Act::Say("RCPT", "550 5.1.1 <unknown@example.com>: no such user")),
        ("greylisted", Act::Say("RCPT", "450-4.2.0 try\r\n450 4.2.0 later")),
        ("busy", Act::Say("DATA", "451 4.3.0 busy")),
        ("spam", Act::Say(".", "550 5.7.1 looks like spam to unknown")),
        ("large", Act::Say(".", "552 5.3.4 too big")),
        ("full", Act::Say(".", "452 4.3.1 disk full")),
        ("closing", Act::Say("RCPT", "421 4.3.2 shutting down")),
    ];
    for pipelining in [true, false] {
        let sink = Sink::start(bare(pipelining), &script).await;
        let smtp = transport(&sink, |settings| settings.connections = 1);
        for (name, kind, code) in [
            ("unknown", Recipient, 550),
            ("greylisted", Temporary, 450),
            ("busy", Temporary, 451),
            ("spam", Policy, 550),
            ("large", Message, 552),
            ("full", Temporary, 452),
            ("closing", Temporary, 421),
        ] {
            let refusal = refusal(smtp.send(&prepared(name)).await);
            assert_eq!((refusal.kind, refusal.code), (kind, Some(code)), "{name} {pipelining}");
            assert!(!refusal.text.contains("example.com"), "{}", refusal.text);
            assert_eq!(refusal.enhanced.as_deref().unwrap().as_bytes()[0], code.to_string().as_bytes()[0]);
        }
        // After a refusal the connection goes on with the next mail.
        assert!(matches!(smtp.send(&prepared("jane")).await, Outcome::Accepted { .. }));
        assert_eq!(sink.kept().len(), 1);
        assert_eq!(sink.connections(), 2, "only 421 ended one");
    }
}

#[tokio::test]
async fn a_cut_after_the_final_dot_is_unsure_and_nothing_is_sent_again() {
    let script = [("cut", Act::Cut(".")), ("slow", Act::Slow(Duration::from_secs(3)))];
    for pipelining in [true, false] {
        let sink = Sink::start(bare(pipelining), &script).await;
        let smtp = transport(&sink, |_| {});
        // The connection was used before: even then nothing is repeated.
        smtp.send(&prepared("jane")).await;
        for name in ["cut", "slow"] {
            let outcome = smtp.send(&prepared(name)).await;
            assert!(matches!(outcome, Outcome::Unsure { .. }), "{name}: {outcome:?}");
        }
        let kept = sink.kept();
        assert_eq!(
            kept.iter().map(|kept| &*kept.recipient).collect::<Vec<_>>(),
            ["jane@example.com", "cut@example.com", "slow@example.com"]
        );
    }
}

#[tokio::test]
async fn a_cut_before_the_final_dot_is_no_mail_and_may_be_tried_again() {
    let script =
        [("body", Act::CutInBody), ("rcpt", Act::Cut("RCPT")), ("data", Act::Cut("DATA")), ("leaves", Act::Leave)];
    for pipelining in [true, false] {
        let sink = Sink::start(bare(pipelining), &script).await;
        let smtp = transport(&sink, |_| {});
        for name in ["rcpt", "data"] {
            let refusal = refusal(smtp.send(&prepared(name)).await);
            assert_eq!(refusal.kind, RefusalKind::Temporary, "{name}: {refusal:?}");
        }
        let mut large = mail("body@example.com");
        large.text = "a line of text\n".repeat(250_000);
        assert_eq!(refusal(smtp.send(&large.prepare(&[]).unwrap()).await).kind, RefusalKind::Message, "over SIZE");
        assert!(sink.kept().is_empty());
        // A server that left after the last mail is found gone by the next, which goes over a new connection, once.
        assert!(matches!(smtp.send(&prepared("leaves")).await, Outcome::Accepted { .. }));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(matches!(smtp.send(&prepared("jane")).await, Outcome::Accepted { .. }));
        assert_eq!(sink.kept().len(), 2);
    }
}

#[tokio::test]
async fn a_break_while_the_mail_is_written_is_no_mail() {
    let mut manner = Manner::default();
    manner.extensions.retain(|name| !name.starts_with("SIZE"));
    let sink = Sink::start(manner, &[("body", Act::CutInBody)]).await;
    let mut large = mail("body@example.com");
    large.text = "a line of text\n".repeat(270_000);
    let smtp = transport(&sink, |_| {});
    smtp.send(&prepared("jane")).await;
    let refusal = refusal(smtp.send(&large.prepare(&[]).unwrap()).await);
    assert_eq!(refusal.kind, RefusalKind::Temporary);
    assert_eq!((sink.kept().len(), sink.connections()), (1, 1), "and it was not begun again behind the caller's back");
}

#[tokio::test]
async fn settings_that_are_wrong_are_the_senders_fault() {
    let sink = Sink::start(Manner::default(), &[("shop", Act::Say("MAIL", "553 5.1.8 who are you"))]).await;
    let login = |password: &str| Some(("shop".to_owned(), password.to_owned()));
    let good = transport(&sink, |settings| settings.credentials = login("secret"));
    good.check().await.unwrap();
    let wrong = transport(&sink, |settings| settings.credentials = login("wrong"));
    assert_eq!(wrong.check().await.unwrap_err().kind, RefusalKind::Sender);
    assert_eq!(refusal(wrong.send(&prepared("jane")).await).code, Some(535));
    assert_eq!(refusal(good.send(&prepared("jane")).await).kind, RefusalKind::Sender, "MAIL FROM");
    let only_login = Manner { extensions: vec!["AUTH LOGIN"], ..Manner::default() };
    let sink = Sink::start(only_login, &[]).await;
    transport(&sink, |settings| settings.credentials = login("secret")).check().await.unwrap();
    let none = Sink::start(Manner { extensions: vec![], ..Manner::default() }, &[]).await;
    let refused = transport(&none, |settings| settings.credentials = login("secret")).check().await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Sender);
    let mut over_the_net = Settings::new("mail.example.org", 25, Security::Plain);
    over_the_net.credentials = login("secret");
    assert!(matches!(Smtp::new(over_the_net), Err(Error::Settings { field: "security", .. })));
}

#[tokio::test]
async fn nobody_there_busy_or_no_mail_server_is_temporary() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = Smtp::new(Settings::new("localhost", closed, Security::Plain)).unwrap();
    let refused = refusal(nobody.send(&prepared("jane")).await);
    assert_eq!((refused.kind, &*refused.text), (RefusalKind::Temporary, "the server refused the connection"));
    for greeting in ["421 4.3.2 too many connections", "HTTP/1.1 400 Bad Request"] {
        let sink = Sink::start(Manner { greeting, ..Manner::default() }, &[]).await;
        let refused = refusal(transport(&sink, |_| {}).send(&prepared("jane")).await);
        assert_eq!(refused.kind, RefusalKind::Temporary, "{greeting}");
    }
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::new("localhost", silent.local_addr().unwrap().port(), Security::Plain);
    settings.timeout = Duration::from_millis(200);
    let refused = refusal(Smtp::new(settings).unwrap().send(&prepared("jane")).await);
    assert_eq!((refused.kind, &*refused.text), (RefusalKind::Temporary, "the server did not answer in time"));
}

#[tokio::test]
async fn tls_is_checked_and_nothing_is_said_before_it() {
    let start = |ahead| {
        let mut manner = Manner { ahead, ..Manner::default() };
        manner.extensions.push("STARTTLS");
        manner
    };
    let trusting = |security| {
        move |settings: &mut Settings| {
            settings.security = security;
            settings.authority = Some(AUTHORITY.to_owned());
            settings.credentials = Some(("shop".to_owned(), "secret".to_owned()));
        }
    };
    let implicit = Sink::start(Manner { implicit_tls: true, ..Manner::default() }, &[]).await;
    let starttls = Sink::start(start(""), &[]).await;
    for (sink, security) in [(&implicit, Security::Implicit), (&starttls, Security::StartTls)] {
        assert!(matches!(transport(sink, trusting(security)).send(&prepared("jane")).await, Outcome::Accepted { .. }));
        assert_eq!(sink.kept().len(), 1);
        // The machine does not know the tests' authority.
        let refused = refusal(transport(sink, |settings| settings.security = security).send(&prepared("jane")).await);
        assert_eq!(refused.kind, RefusalKind::Sender, "{refused:?}");
        assert_eq!(sink.kept().len(), 1);
    }
    // The certificate is for "localhost".
    let other_name = transport(&starttls, |settings| {
        trusting(Security::StartTls)(settings);
        settings.host = "127.0.0.1".to_owned();
    });
    assert_eq!(refusal(other_name.send(&prepared("jane")).await).kind, RefusalKind::Sender);
    // Somebody on the way takes STARTTLS out of the list, or speaks ahead of it.
    let stripped = Sink::start(Manner::default(), &[]).await;
    let ahead = Sink::start(start("\r\n250 sink\r\n250 AUTH PLAIN"), &[]).await;
    for sink in [stripped, ahead] {
        let refused = transport(&sink, trusting(Security::StartTls)).check().await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Sender);
        assert!(!sink.commands().iter().any(|command| command.starts_with("AUTH")), "{:?}", sink.commands());
    }
}

#[tokio::test]
async fn connections_are_used_again_and_not_more_than_allowed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let smtp = transport(&sink, |settings| {
        settings.connections = 3;
        settings.mails_per_connection = 10;
    });
    let mails: Vec<Prepared> = (0..60).map(|n| prepared(&format!("jane{n}"))).collect();
    let outcomes = futures::future::join_all(mails.iter().map(|mail| smtp.send(mail))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted { .. })), "{outcomes:?}");
    let mut recipients: Vec<String> = sink.kept().into_iter().map(|kept| kept.recipient).collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!((recipients.len(), sink.kept().len()), (60, 60));
    assert!((6..=8).contains(&sink.connections()), "{}", sink.connections());
    smtp.rest().await;
    assert!(sink.commands().iter().any(|command| command == "QUIT"));
}

#[tokio::test]
async fn addresses_in_other_scripts_need_a_server_that_takes_them() {
    let mail = mail("用户@例子.测试").prepare(&[]);
    let Ok(mail) = mail else { panic!("{mail:?}") };
    let sink = Sink::start(Manner::default(), &[]).await;
    assert!(matches!(transport(&sink, |_| {}).send(&mail).await, Outcome::Accepted { .. }));
    assert!(sink.kept()[0].envelope.ends_with(" SMTPUTF8 BODY=8BITMIME"));
    let old = Sink::start(Manner { extensions: vec![], ..Manner::default() }, &[]).await;
    assert_eq!(refusal(transport(&old, |_| {}).send(&mail).await).kind, RefusalKind::Recipient);
    assert!(old.kept().is_empty());
}
