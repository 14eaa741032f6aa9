//! A port that strangers may reach: at most so many connections at once, each for a short while. One that dawdles is cut; where all places
//! are taken, a new one takes that of whoever is there for longest, so that nobody waits behind those who say nothing, and what a process may
//! have open is never used up by strangers. Each connection is for one call.

mod places;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use places::Places;

/// The places, with what cuts each connection.
type Shared = Arc<Mutex<Places<CancellationToken>>>;

/// The port.
pub(super) struct Bounded {
    listener: TcpListener,
    life: Duration,
    places: Shared,
}

impl Bounded {
    /// `life`: how long a connection may last, the call and its answer included.
    pub(super) fn new(listener: TcpListener, life: Duration) -> Self {
        Self { listener, life, places: Shared::default() }
    }
}

impl Listener for Bounded {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let _ = stream.set_nodelay(true);
        (Brief::new(stream, self.life, Arc::clone(&self.places)), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(&self.listener)
    }
}

/// A connection that ends by itself, or for another one.
pub(super) struct Brief {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    number: u64,
    places: Shared,
}

impl Brief {
    fn new(stream: TcpStream, life: Duration, places: Shared) -> Self {
        let token = CancellationToken::new();
        let cut = Box::pin(token.clone().cancelled_owned());
        let (number, gone) = among(&places).come(token);
        if let Some(gone) = gone {
            gone.cancel();
        }
        Self { stream, end: Box::pin(sleep(life)), cut, number, places }
    }

    /// Fails once its time is over, or somebody else has its place; also registers to be woken then.
    fn lives(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let over = self.end.as_mut().poll(cx).is_ready() || self.cut.as_mut().poll(cx).is_ready();
        if over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl Drop for Brief {
    fn drop(&mut self) {
        among(&self.places).leave(self.number);
    }
}

fn among(places: &Shared) -> MutexGuard<'_, Places<CancellationToken>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for Brief {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.lives(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let sent = buf.filled().len() - before;
        if sent > 0 {
            let gone = among(&self.places).sent(self.number, sent);
            gone.iter().for_each(CancellationToken::cancel);
        }
        read
    }
}

impl AsyncWrite for Brief {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lives(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lives(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lives(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
