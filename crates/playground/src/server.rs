//! The socket: limits on everything that a client decides, then [`App::respond`].

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::app::App;
use crate::error::{ApiError, PlaygroundError};
use crate::router::{Weight, refuse};

/// The largest body that is read: 1 MiB.
pub const MAX_BODY: usize = 1 << 20;
/// The longest that a client may take to send its headers; also how long a connection may idle.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// The longest that a client may take to send its body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// The longest life of a connection; browsers open a new one without anybody noticing.
const CONNECTION_TIME: Duration = Duration::from_secs(300);
/// Connections at once; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 256;
/// Requests at once that wait for their turn to be computed; more are told to come again.
const MAX_WAITING: usize = 128;
/// The same for slow requests, which take turns one by one.
const MAX_SLOW_WAITING: usize = 8;
/// How long answers in progress may take after Ctrl-C.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that listens already.
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
}

/// Ends a [`Server`]; from any thread, also from a signal handler's.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// No new connections; answers in progress have two seconds.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Listens at `address`; port 0 finds a free one. `app` answers.
    ///
    /// # Errors
    /// A port that is taken, or an address that is not this machine's.
    pub fn bind(address: SocketAddr, app: App) -> Result<Self, PlaygroundError> {
        let problem = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => PlaygroundError::PortTaken(address),
            _ => PlaygroundError::Listen { address, source },
        };
        let listener = std::net::TcpListener::bind(address).map_err(problem)?;
        listener.set_nonblocking(true).map_err(problem)?;
        let address = listener.local_addr().map_err(problem)?;
        Ok(Self {
            listener,
            address,
            app: Arc::new(app),
            stop: watch::Sender::new(false),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What answers.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// What ends it.
    pub fn stop_handle(&self) -> Stop {
        Stop(self.stop.clone())
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// A system that gives no event queue.
    pub fn run(self) -> Result<(), PlaygroundError> {
        let address = self.address;
        let problem = |source| PlaygroundError::Listen { address, source };
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // One more for the slow ones.
            .max_blocking_threads(workers + 1)
            .build()
            .map_err(problem)?;
        let result = runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener).map_err(problem)?;
            let queue = |at_once, waiting| RequestQueue {
                turns: Arc::new(Semaphore::new(at_once)),
                waiting: Semaphore::new(waiting),
            };
            let service = Arc::new(Service {
                app: self.app,
                normal: queue(workers, MAX_WAITING),
                slow: queue(1, MAX_SLOW_WAITING),
            });
            accept(listener, service, self.stop.subscribe()).await;
            Ok(())
        });
        runtime.shutdown_timeout(Duration::from_millis(100));
        result
    }
}

struct Service {
    app: Arc<App>,
    normal: RequestQueue,
    slow: RequestQueue,
}

/// Requests that wait for their turn to be computed.
struct RequestQueue {
    turns: Arc<Semaphore>,
    waiting: Semaphore,
}

async fn accept(listener: TcpListener, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, or a client that went away: others may still be served.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (service, stop) = (Arc::clone(&service), stop.clone());
        tokio::spawn(async move {
            serve(stream, service, stop).await;
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(SHUTDOWN_TIMEOUT, connections.acquire_many(all)).await;
}

async fn serve(stream: TcpStream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(16 << 10)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(CONNECTION_TIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(SHUTDOWN_TIMEOUT, connection).await;
}

impl Service {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        // Before the body is read: who is not let in sends nothing.
        if let Err(error) = self.app.admit(&parts) {
            return refuse(&error).map(Full::new);
        }
        let body = match timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            problem => {
                let (status, message) = match problem {
                    Err(_) => (
                        StatusCode::REQUEST_TIMEOUT,
                        "the request took longer than 10 seconds to arrive",
                    ),
                    Ok(Err(error)) if error.is::<LengthLimitError>() => (
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "the request is larger than 1 MiB",
                    ),
                    Ok(_) => (StatusCode::BAD_REQUEST, "the request is not whole"),
                };
                // The rest of the body would follow.
                let mut response = refuse(&ApiError::new(status, message));
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
                return response.map(Full::new);
            }
        };
        let request = Request::from_parts(parts, body);
        let queue = match self.app.weight(&request) {
            Weight::Light => return self.app.respond(&request).map(Full::new),
            Weight::Normal => &self.normal,
            Weight::Slow => &self.slow,
        };
        let Ok(place) = queue.waiting.try_acquire() else {
            return refuse(&ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests at once; try again in a second",
            ))
            .map(Full::new);
        };
        let turn = Arc::clone(&queue.turns).acquire_owned().await;
        drop(place);
        let app = Arc::clone(&self.app);
        let work = tokio::task::spawn_blocking(move || {
            // Held until the work is done, also when the client has gone.
            let _turn = turn;
            app.respond(&request)
        });
        match work.await {
            Ok(response) => response,
            Err(_) => refuse(&ApiError::failed(
                "the computation failed inside the program; please report it",
            )),
        }
        .map(Full::new)
    }
}
