//! An instance of a peer whose fault the test chooses, and changes while it runs.

use crate::raw_peer::{Wire, spawn};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// What is wrong with an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It does not listen.
    Refuses,
    /// It reads a request and resets the connection.
    Resets,
    /// It reads a request and closes the connection.
    Closes,
    /// It reads a request and never says a word.
    Silent,
    /// It answers, after this time.
    Slow(Duration),
    /// It begins an answer and closes the connection.
    Half,
    /// It begins an answer and never goes on.
    Stalls,
    /// What it says is not HTTP.
    Nonsense,
    /// It answers with this status, and these lines of headers.
    Says(u16, &'static str),
}

/// An instance on a port of 127.0.0.1, until it is dropped. Each request is counted and answered with its name:
/// `{"success":true,"data":"name"}`.
#[derive(Debug)]
pub struct FaultyPeer {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    in_force: watch::Receiver<Fault>,
    heard: Arc<Mutex<Vec<String>>>,
    serving: AbortHandle,
}

impl FaultyPeer {
    /// Starts it.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start(name: &str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, told) = watch::channel(fault);
        let (show, mut in_force) = watch::channel(Fault::None);
        let heard = Arc::default();
        let one = Instance { body: format!("{{\"success\":true,\"data\":\"{name}\"}}"), told, heard };
        let heard = one.heard.clone();
        let serving = spawn(serve(one, listener, address, show));
        let wanted = tell.borrow().clone();
        in_force.wait_for(|fault| *fault == wanted).await.expect("it serves");
        Self { address, fault: tell, in_force, heard, serving }
    }

    /// Changes what is wrong with it, from the next request on. Resolves when it is so.
    ///
    /// # Panics
    /// When its port has been taken meanwhile.
    pub async fn turn(&self, fault: Fault) {
        self.fault.send_replace(fault.clone());
        let mut in_force = self.in_force.clone();
        in_force.wait_for(|now| *now == fault).await.expect("it serves");
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The requests that have reached it, whole.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FaultyPeer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Instance {
    body: String,
    told: watch::Receiver<Fault>,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Accepts connections, except while it is to refuse them.
async fn serve(one: Instance, listener: TcpListener, address: SocketAddr, show: watch::Sender<Fault>) {
    let mut told = one.told.clone();
    let mut listener = Some(listener);
    let mut running = JoinSet::new();
    loop {
        let fault = told.borrow_and_update().clone();
        if fault == Fault::Refuses {
            listener = None;
            running.shutdown().await;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("its port is its own"));
        }
        show.send_replace(fault);
        let changed = loop {
            let accept = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = told.changed() => break changed,
                // A script that fails has lost its caller, which the test sees on the other side.
                Ok((stream, _)) = accept => drop(running.spawn(one.clone().answer(Wire::new(stream)))),
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

impl Instance {
    async fn answer(self, mut wire: Wire) -> io::Result<()> {
        loop {
            let request = wire.request().await?;
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            let whole = format!("{HEAD}content-length: {}\r\n\r\n{}", self.body.len(), self.body);
            let fault = self.told.borrow().clone();
            match fault {
                Fault::None => wire.write(whole).await?,
                Fault::Slow(time) => {
                    tokio::time::sleep(time).await;
                    wire.write(whole).await?;
                }
                Fault::Says(status, headers) => {
                    wire.write(format!("HTTP/1.1 {status} As told\r\n{headers}content-length: 0\r\n\r\n"))
                        .await?;
                }
                Fault::Refuses | Fault::Closes => return Ok(()),
                Fault::Resets => return wire.reset(),
                Fault::Half => return wire.write(format!("{HEAD}content-length: 100\r\n\r\n{{\"suc")).await,
                Fault::Nonsense => return wire.write("I am not a web server\r\n\r\n").await,
                Fault::Silent => {
                    wire.gone().await;
                    return Ok(());
                }
                Fault::Stalls => {
                    wire.write(format!("{HEAD}content-length: 100\r\n\r\n{{\"suc")).await?;
                    wire.gone().await;
                    return Ok(());
                }
            }
        }
    }
}
