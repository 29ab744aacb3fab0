//! Looking names up, and letting through what may be connected to.
//!
//! Always holds: what a request connects to are the very addresses that were looked at for it, so that a name that is looked up again and then leads
//! elsewhere changes nothing. Of a name with addresses out there and inside only those out there are connected to.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::addresses::is_public;
use crate::Error;

/// The addresses of a name, later.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// What knows the addresses of names.
pub trait Names: std::fmt::Debug + Send + Sync {
    /// All addresses of a name; an error, or none, where there is no such name.
    fn addresses(&self, name: &str) -> Found;
}

/// The machine's own way of looking names up.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Names for System {
    fn addresses(&self, name: &str) -> Found {
        let name = name.to_owned();
        Box::pin(async move {
            // The port is the URL's, whatever stands here.
            Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|at| at.ip()).collect())
        })
    }
}

/// Where a host leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// To the public internet.
    Out,
    /// Both out there and inside: by chance it could be either.
    Both,
    /// Inside a company's own network, or to what is nowhere.
    Inside,
    /// There is no such name.
    Nowhere,
}

impl Leads {
    /// Of these addresses.
    pub fn of(addresses: &[IpAddr]) -> Self {
        let public = addresses.iter().filter(|ip| is_public(**ip)).count();
        match public {
            _ if addresses.is_empty() => Self::Nowhere,
            0 => Self::Inside,
            _ if public == addresses.len() => Self::Out,
            _ => Self::Both,
        }
    }
}

/// Lets through what may be connected to.
pub(super) struct Checked {
    pub private: bool,
    pub names: Arc<dyn Names>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        let found = self.names.addresses(name.as_str());
        Box::pin(async move {
            let allowed: Vec<SocketAddr> = found
                .await?
                .into_iter()
                .filter(|ip| private || is_public(*ip))
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if allowed.is_empty() {
                return Err(Error::NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::super::{Client, checked};
    use super::*;

    /// Says something else each time it is asked; then the last of it again.
    #[derive(Debug)]
    struct Told(Mutex<Vec<Vec<&'static str>>>, AtomicUsize);

    impl Told {
        fn new(answers: &[&[&'static str]]) -> Arc<Self> {
            let answers = answers.iter().rev().map(|it| it.to_vec()).collect();
            Arc::new(Self(Mutex::new(answers), AtomicUsize::new(0)))
        }
    }

    impl Names for Told {
        fn addresses(&self, _: &str) -> Found {
            self.1.fetch_add(1, Ordering::SeqCst);
            let mut answers = self.0.lock().unwrap();
            let answer = if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() };
            let found = answer.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
            Box::pin(async move { if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) } })
        }
    }

    async fn leads(host: &str, addresses: &[&'static str]) -> Leads {
        let client = Client::with_names(false, Told::new(&[addresses])).unwrap();
        client.leads(&checked(&format!("https://{host}/hook")).unwrap()).await
    }

    #[tokio::test]
    async fn where_a_name_leads_is_known_before_anything_is_sent() {
        for (addresses, expected) in [
            (&["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"][..], Leads::Out),
            (&["93.184.215.14", "10.0.0.7"], Leads::Both),
            (&["169.254.169.254"], Leads::Inside),
            (&["127.0.0.1", "::1"], Leads::Inside),
            (&["::ffff:10.0.0.7"], Leads::Inside),
            (&["fe80::1"], Leads::Inside),
            (&[], Leads::Nowhere),
        ] {
            assert_eq!(leads("hook.example", addresses).await, expected, "{addresses:?}");
        }
        // Written as an address, in whatever way, it is not looked up: the name would lead out.
        for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "[fd00::1]"] {
            assert_eq!(leads(host, &["93.184.215.14"]).await, Leads::Inside, "{host}");
        }
        assert_eq!(leads("8.8.8.8", &[]).await, Leads::Out);
    }

    /// The name leads out when it is looked over, and inside when it is sent to: the second answer is judged as well, and is the one connected to.
    #[tokio::test]
    async fn a_name_that_changes_its_mind_reaches_nothing_inside() {
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = checked(&format!("http://hook.example:{}/", inside.local_addr().unwrap().port())).unwrap();
        let names = Told::new(&[&["93.184.215.14"], &["127.0.0.1"]]);
        let client = Client::with_names(false, names.clone()).unwrap();
        assert_eq!(client.leads(&url).await, Leads::Out);
        let sent = client.post(&url, &[], Vec::new()).await;
        assert!(matches!(sent, Err(Error::NotPublic)), "{sent:?}");
        assert_eq!(
            names.1.load(Ordering::SeqCst),
            2,
            "once to look, once to send: never between judging and connecting"
        );
        let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), inside.accept()).await;
        assert!(nobody.is_err(), "nobody came");
    }

    #[tokio::test]
    async fn of_several_addresses_only_those_out_there_are_connected_to() {
        let name = || "hook.example".parse::<Name>().unwrap();
        let names: Arc<dyn Names> = Told::new(&[&["10.0.0.7", "93.184.215.14", "::1"]]);
        let careful = Checked { private: false, names: Arc::clone(&names) }.resolve(name()).await.ok().unwrap();
        assert_eq!(careful.map(|at| at.ip().to_string()).collect::<Vec<_>>(), ["93.184.215.14"]);
        let all = Checked { private: true, names }.resolve(name()).await.ok().unwrap();
        assert_eq!(all.count(), 3);
    }
}
