//! Amazon SES: notifications about mails, which come through a topic of Amazon SNS (docs.aws.amazon.com: "Verifying the signatures of Amazon SNS messages",
//! "Amazon SNS notification contents for Amazon SES").
//!
//! Always holds: only the topic that was named in the settings is listened to, with signatures of version 2 (RSA with SHA-256; version 1 is SHA-1). The
//! certificate is fetched by https from the service of the topic's own region, whatever a message says, so that TLS vouches for it, and kept. To confirm a
//! subscription we call that service ourselves; no address of a message is ever followed. SES gives mails names of its own, ours is among the original
//! headers, which have to be switched on there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;

use super::{MOST, Reports, Said, json, some, text};
use crate::Error;
use crate::callback::{Callback, lately};
use crate::outbound::{self, Client, Url};
use crate::returned::{Kind, Returned};
use crate::tls;

/// As many certificates as are kept; Amazon has one at a time.
const MOST_CERTIFICATES: usize = 8;
/// After a certificate could not be fetched, none is for so long, so that nobody can make us ask all the time.
const PAUSE: i64 = 5 * Timestamp::SECOND;

/// A topic that is listened to.
pub struct Ses {
    topic: String,
    service: Url,
    certificates: Mutex<Certificates>,
}

#[derive(Default)]
struct Certificates {
    known: HashMap<String, CertificateDer<'static>>,
    not_before: Timestamp,
}

impl std::fmt::Debug for Ses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ses({})", self.topic)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Posted {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    subject: Option<String>,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

impl Posted {
    /// Names and values in the order of the documentation, each on a line of its own.
    fn signed(&self) -> String {
        let is_notification = self.r#type == "Notification";
        let fields = [
            ("Message", Some(&self.message)),
            ("MessageId", Some(&self.message_id)),
            ("Subject", self.subject.as_ref().filter(|_| is_notification)),
            ("SubscribeURL", self.subscribe_url.as_ref().filter(|_| !is_notification)),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", self.token.as_ref().filter(|_| !is_notification)),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(&self.r#type)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some(format!("{name}\n{}\n", value?))).collect()
    }
}

impl Ses {
    /// `topic` is the topic's ARN; `service` another service with the same interface in the place of Amazon's.
    ///
    /// # Errors
    /// [`Error::Settings`], [`Error::Url`].
    pub fn new(topic: &str, service: &str) -> Result<Self, Error> {
        let unfit = || Error::settings("ses_topic", "it is no ARN such as arn:aws:sns:eu-west-1:123456789012:bounces");
        let parts: Vec<&str> = topic.split(':').collect();
        let [arn, partition, sns, region, account, name] = parts[..] else { return Err(unfit()) };
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let region_is_plain = !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if arn != "arn" || sns != "sns" || !region_is_plain || ![partition, account, name].into_iter().all(plain) {
            return Err(unfit());
        }
        let end = if partition == "aws-cn" { ".cn" } else { "" };
        let own = format!("https://sns.{region}.amazonaws.com{end}");
        let service = outbound::checked(some(service).unwrap_or(&own))?;
        Ok(Self { topic: topic.to_owned(), service, certificates: Mutex::default() })
    }

    pub(super) async fn read(&self, client: &Client, callback: Callback<'_>, now: Timestamp) -> Result<Reports, Error> {
        let posted: Posted =
            serde_json::from_slice(callback.body).map_err(|_| Error::Unreadable("it is no message of Amazon SNS"))?;
        if posted.topic_arn != self.topic {
            return Err(Error::Signature);
        }
        if posted.signature_version != "2" {
            return Err(Error::Unreadable("set the topic's attribute SignatureVersion to 2"));
        }
        lately(Timestamp::parse(&posted.timestamp).ok_or(Error::Signature)?, now)?;
        let certificate = self.certificate(client, &posted.signing_cert_url, now).await?;
        let certificate = EndEntityCert::try_from(&certificate).map_err(|_| Error::Signature)?;
        let signature = BASE64_STANDARD.decode(&posted.signature).map_err(|_| Error::Signature)?;
        certificate
            .verify_signature(RSA_PKCS1_2048_8192_SHA256, posted.signed().as_bytes(), &signature)
            .map_err(|_| Error::Signature)?;
        match posted.r#type.as_str() {
            "Notification" => Ok(notification(&posted.message)),
            "SubscriptionConfirmation" => {
                self.confirm(client, posted.token.as_deref().unwrap_or_default()).await?;
                Ok(Reports { passed_over: 1, ..Reports::default() })
            }
            _ => Ok(Reports { passed_over: 1, ..Reports::default() }),
        }
    }

    async fn certificate(&self, client: &Client, url: &str, now: Timestamp) -> Result<CertificateDer<'static>, Error> {
        let url: Url = url.parse().map_err(|_| Error::Signature)?;
        let name = url.path().strip_prefix("/SimpleNotificationService-").and_then(|name| name.strip_suffix(".pem"));
        let is_plain = name.is_some_and(|name| name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !is_plain || url.origin() != self.service.origin() || url.query().is_some() || !url.username().is_empty() {
            return Err(Error::Signature);
        }
        {
            let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = certificates.known.get(url.path()) {
                return Ok(known.clone());
            }
            if now < certificates.not_before {
                return Err(Error::Unreachable);
            }
            certificates.not_before = now.plus(PAUSE);
        }
        let answer = client.get(&url).await.map_err(|_| Error::Unreachable)?;
        let pem = std::str::from_utf8(&answer.body).ok().filter(|_| answer.status == 200).ok_or(Error::Unreachable)?;
        let found = tls::certificates(pem).and_then(|found| found.into_iter().next()).ok_or(Error::Unreachable)?;
        let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        if certificates.known.len() >= MOST_CERTIFICATES {
            certificates.known.clear();
        }
        certificates.known.insert(url.path().to_owned(), found.clone());
        certificates.not_before = Timestamp(0);
        Ok(found)
    }

    /// Says that the topic's messages are wanted. Whoever asks for it has signed as the topic that was named in the settings.
    async fn confirm(&self, client: &Client, token: &str) -> Result<(), Error> {
        let mut url = self.service.clone();
        url.set_path("/");
        url.query_pairs_mut()
            .append_pair("Action", "ConfirmSubscription")
            .append_pair("TopicArn", &self.topic)
            .append_pair("Token", token);
        let answer = client.get(&url).await.map_err(|_| Error::Unreachable)?;
        if answer.status == 200 { Ok(()) } else { Err(Error::Unreachable) }
    }
}

/// A notification of SES; anything else that is published to the topic is passed over.
fn notification(message: &str) -> Reports {
    let Ok(said) = json(message.as_bytes()) else { return Reports { passed_over: 1, ..Reports::default() } };
    // Notifications of an identity, or events of a configuration set.
    let kind = some(text(&said, "/notificationType")).unwrap_or_else(|| text(&said, "/eventType"));
    let id = message_id(&said);
    let recipients = |path: &str| said.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    let returned: Vec<Returned> = match kind {
        "Bounce" => {
            let is_permanent = text(&said, "/bounce/bounceType") == "Permanent";
            let of = |one: &Value| {
                let (status, words) = (some(text(one, "/status")), text(one, "/diagnosticCode"));
                let said = Said { message_id: id, recipient: some(text(one, "/emailAddress")), status, words };
                if is_permanent { said.permanent() } else { said.returned(Kind::Soft) }
            };
            recipients("/bounce/bouncedRecipients").iter().take(MOST).map(of).collect()
        }
        // A reader who took a mail out of the unwanted ones complains of nothing.
        "Complaint" if text(&said, "/complaint/complaintFeedbackType") != "not-spam" => {
            let of = |one: &Value| {
                let words = text(&said, "/complaint/complaintFeedbackType");
                Said { message_id: id, recipient: some(text(one, "/emailAddress")), status: None, words }
                    .returned(Kind::Complaint)
            };
            recipients("/complaint/complainedRecipients").iter().take(MOST).map(of).collect()
        }
        "Delivery" => {
            let words = text(&said, "/delivery/smtpResponse");
            let of = |one: &Value| {
                Said { message_id: id, recipient: one.as_str(), status: None, words }.returned(Kind::Delivered)
            };
            recipients("/delivery/recipients").iter().take(MOST).map(of).collect()
        }
        _ => Vec::new(),
    };
    let passed_over = usize::from(returned.is_empty());
    Reports { returned, passed_over }
}

/// Our own Message-ID, among the original headers.
fn message_id(said: &Value) -> Option<&str> {
    let headers = said.pointer("/mail/headers").and_then(Value::as_array);
    let of_headers = headers.into_iter().flatten().find(|one| text(one, "/name").eq_ignore_ascii_case("message-id"));
    of_headers.map(|one| text(one, "/value")).or_else(|| some(text(said, "/mail/commonHeaders/messageId")))
}
