//! A port and its connections. Not the answering: that is `desk`. The listener is our own because a fault may have to
//! reset a connection (RST, not a polite close), and because stopping must cut what is still open.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{ConnectInfo, connect_info::Connected},
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::desk::Desk;

/// A connection as a handler knows it: by what cuts it.
#[derive(Debug, Clone)]
pub(super) struct Peer(CancellationToken);

impl Peer {
    /// Resets the connection.
    pub(super) fn reset(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, Port>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A listening socket; everything it accepts ends with `stop`.
pub(super) struct Port {
    listener: TcpListener,
    stop: CancellationToken,
}

impl Listener for Port {
    type Io = Conn;
    type Addr = Peer;

    async fn accept(&mut self) -> (Conn, Peer) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        // Small answers must not wait for the peer's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let cut = self.stop.child_token();
        let conn = Conn { stream, reset: cut.is_cancelled(), cut: Box::pin(cut.clone().cancelled_owned()) };
        (conn, Peer(cut))
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(self.stop.clone()))
    }
}

/// A connection that can be reset from outside.
pub(super) struct Conn {
    stream: TcpStream,
    reset: bool,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Conn {
    /// Fails once the connection was cut; also registers to be woken when it is.
    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.reset && self.cut.as_mut().poll(cx).is_ready() {
            self.reset = true;
            // With no time to linger, closing sends RST: the peer sees a reset, not an end.
            let _ = self.stream.set_zero_linger();
        }
        if self.reset { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Conn {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Serves a system on an address until `stop`.
pub(super) async fn system(
    desk: Arc<Desk>,
    bind: SocketAddr,
    stop: CancellationToken,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let handler = move |ConnectInfo(peer): ConnectInfo<Peer>, request: axum::extract::Request| {
        let desk = Arc::clone(&desk);
        async move { desk.serve(peer, request).await }
    };
    router(Router::new().fallback(handler), bind, stop).await
}

/// Serves a router on an address until `stop`.
pub(super) async fn router(
    router: Router,
    bind: SocketAddr,
    stop: CancellationToken,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(bind).await?;
    let address = listener.local_addr()?;
    let port = Port { listener, stop: stop.clone() };
    let serving = tokio::spawn(async move {
        let serve = axum::serve(port, router.into_make_service_with_connect_info::<Peer>());
        let stopped = serve.with_graceful_shutdown(stop.cancelled_owned()).await;
        // The listener never fails on its own (it retries), so there is nothing here to tell anyone.
        drop(stopped);
    });
    Ok((address, serving))
}
