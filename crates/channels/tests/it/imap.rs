//! The mailbox beside a real Dovecot: what is read, marked, moved, and what comes again.
//!
//! Needs Dovecot (`apt-get install dovecot-imapd`); it runs as the test's own user in a folder of the test's.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rapport_channels::mailbox::{Security, Settings, Visit};
use rapport_channels::returned::{self, Kind};

const PROGRAM: &str = "/usr/sbin/dovecot";

struct Dovecot {
    child: Child,
    folder: tempfile::TempDir,
    plain: u16,
    tls: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // In the foreground it ends with its children when it is asked to.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn whoami(flag: &str) -> String {
    String::from_utf8(Command::new("id").arg(flag).output().unwrap().stdout).unwrap().trim().to_owned()
}

/// The folder is a test's, and gone after it.
fn open_to_all(folder: &Path) {
    assert!(Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).status().unwrap().success());
}

impl Dovecot {
    fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("RAPPORT_REQUIRE_DOVECOT").is_none(), "Dovecot is required");
            eprintln!("SKIPPED: {PROGRAM} is absent; apt-get install dovecot-imapd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (plain, tls) = (free_port(), free_port());
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/tls");
        let at = folder.path().display();
        // Dovecot serves no mailbox of root's: then the mails are nobody's.
        let own = (whoami("-un"), whoami("-gn"));
        let is_root = own.0 == "root";
        let (user, group) = if is_root { ("nobody".to_owned(), "nogroup".to_owned()) } else { own.clone() };
        let login = if is_root { "" } else { &*format!("default_login_user = {user}\n") };
        let text = format!(
            "protocols = imap\nlisten = 127.0.0.1\nbase_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\n\
             default_internal_user = {}\ndefault_internal_group = {}\n{login}\
             first_valid_uid = 1\nfirst_valid_gid = 1\nmail_location = maildir:{at}/mail\ndisable_plaintext_auth = no\n\
             ssl = yes\nssl_cert = <{samples}/localhost.pem\nssl_key = <{samples}/localhost.key\n\
             passdb {{\n driver = static\n args = password=secret\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home={at}/home\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {plain}\n }}\n inet_listener imaps {{\n port = {tls}\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nnamespace inbox {{\n inbox = yes\n}}\n",
            own.0, own.1
        );
        std::fs::write(folder.path().join("dovecot.conf"), text).unwrap();
        std::fs::write(folder.path().join("log"), "").unwrap();
        for each in ["mail", "home"] {
            std::fs::create_dir(folder.path().join(each)).unwrap();
        }
        open_to_all(folder.path());
        let child = Command::new(PROGRAM)
            .args(["-F", "-c"])
            .arg(folder.path().join("dovecot.conf"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { child, folder, plain, tls };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", plain)).is_ok() {
                return Some(dovecot);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("Dovecot did not start: {}", dovecot.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Puts a letter into the mailbox, as a mail server does.
    fn put(&self, name: &str, letter: &[u8]) {
        for each in ["mail/new", "mail/cur", "mail/tmp"] {
            std::fs::create_dir_all(self.folder.path().join(each)).unwrap();
        }
        std::fs::write(self.folder.path().join(format!("mail/new/{name}.localhost")), letter).unwrap();
        open_to_all(&self.folder.path().join("mail"));
    }

    fn settings(&self) -> Settings {
        Settings {
            host: "localhost".to_owned(),
            port: self.plain,
            security: Security::Plain,
            name: "bounce".to_owned(),
            password: "secret".to_owned(),
            folder: "INBOX".to_owned(),
            done_folder: None,
            authority: None,
            timeout: Duration::from_secs(10),
        }
    }
}

#[tokio::test]
async fn letters_come_until_they_are_done() {
    let Some(dovecot) = Dovecot::start() else { return };
    let samples =
        [&include_bytes!("../samples/postfix_unknown.eml")[..], include_bytes!("../samples/yahoo_complaint.eml")];
    for (number, letter) in samples.iter().enumerate() {
        dovecot.put(&format!("{number}"), letter);
    }
    dovecot.put("2", &[b"Subject: large\n\n".to_vec(), b"x".repeat(3_000_000)].concat());
    let over_tls = Settings {
        port: dovecot.tls,
        security: Security::Implicit,
        authority: Some(crate::sink::AUTHORITY.to_owned()),
        done_folder: Some("Read by rapport".to_owned()),
        ..dovecot.settings()
    };
    let mut visit = Visit::begin(&over_tls).await.unwrap_or_else(|error| panic!("{error:?} {}", dovecot.log()));
    let letters = visit.unseen(2).await.unwrap();
    assert_eq!(letters.len(), 2);
    let all = visit.unseen(10).await.unwrap();
    assert_eq!((all.len(), all.iter().map(|letter| letter.bytes.len()).max()), (3, Some(returned::LARGEST)));
    let kinds: Vec<Kind> = all.iter().map(|letter| returned::read(&letter.bytes)[0].kind).collect();
    assert!(kinds.contains(&Kind::Hard) && kinds.contains(&Kind::Complaint), "{kinds:?}");
    // As after a crash: nothing was marked by reading.
    visit.end().await;
    let mut visit = Visit::begin(&over_tls).await.unwrap();
    let again = visit.unseen(10).await.unwrap();
    assert_eq!(
        again.iter().map(|letter| letter.id).collect::<Vec<_>>(),
        all.iter().map(|letter| letter.id).collect::<Vec<_>>()
    );
    let mut other_count = again[0].id;
    other_count.validity ^= 1;
    visit.done(&[other_count]).await.unwrap();
    assert_eq!(visit.unseen(10).await.unwrap().len(), 3);
    visit.done(&[all[0].id, all[1].id]).await.unwrap();
    assert_eq!(visit.unseen(10).await.unwrap().iter().map(|letter| letter.id).collect::<Vec<_>>(), [all[2].id]);
    visit.end().await;
    let moved = Settings { folder: "Read by rapport".to_owned(), ..dovecot.settings() };
    let mut visit = Visit::begin(&moved).await.unwrap();
    assert!(visit.unseen(10).await.unwrap().is_empty(), "they are marked as seen");
    let files = std::fs::read_dir(dovecot.folder.path().join("mail/.Read by rapport/cur")).unwrap().count();
    assert_eq!(files, 2);
    // Without a folder for them they stay, seen.
    let mut visit = Visit::begin(&dovecot.settings()).await.unwrap();
    visit.done(&[all[2].id]).await.unwrap();
    assert!(visit.unseen(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn wrong_settings_are_told_from_bad_luck() {
    let Some(dovecot) = Dovecot::start() else { return };
    let fails = async |settings: Settings| match Visit::begin(&settings).await {
        Ok(_) => panic!("{settings:?}"),
        Err(error) => error,
    };
    let wrong = fails(Settings { password: "wrong".to_owned(), ..dovecot.settings() }).await;
    assert!(!wrong.is_retryable() && wrong.code() == "mailbox_unreadable", "{wrong}");
    let no_folder = fails(Settings { folder: "Nothing".to_owned(), ..dovecot.settings() }).await;
    assert!(!no_folder.is_retryable(), "{no_folder}");
    let stranger = Settings { port: dovecot.tls, security: Security::Implicit, ..dovecot.settings() };
    assert!(!fails(stranger).await.is_retryable());
    assert!(fails(Settings { port: free_port(), ..dovecot.settings() }).await.is_retryable());
    let elsewhere = fails(Settings { host: "mail.example.org".to_owned(), ..dovecot.settings() }).await;
    assert_eq!(elsewhere.code(), "channel_settings_invalid");
}
