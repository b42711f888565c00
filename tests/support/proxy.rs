//! A line to a server that can be cut and mended: what a network does to a console.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Forwards a port of this machine to a server until it is cut.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    target: SocketAddr,
    cut: bool,
    latency: Duration,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens on a free port and forwards to `target`.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let state = Arc::new(Mutex::new(State { target, cut: false, latency: Duration::ZERO, open: Vec::new() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                accept(&shared, &stream);
            }
        });
        Self { port, state }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection and refuses new ones.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.cut = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Makes every answer take so much longer from now on: what is asked arrives at once.
    pub(crate) fn slow(&self, latency: Duration) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).latency = latency;
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).cut = false;
    }
}

fn accept(shared: &Arc<Mutex<State>>, near: &TcpStream) {
    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if state.cut {
        let _ = near.shutdown(Shutdown::Both);
        return;
    }
    let Ok(far) = TcpStream::connect(state.target) else { return };
    for stream in [near, &far] {
        state.open.extend(stream.try_clone());
    }
    pump(near, &far, || Duration::ZERO);
    let own = Arc::clone(shared);
    pump(&far, near, move || own.lock().unwrap_or_else(PoisonError::into_inner).latency);
}

/// Copies one way until either end closes; what arrived lies as long as the line takes.
fn pump(from: &TcpStream, to: &TcpStream, latency: impl Fn() -> Duration + Send + 'static) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        let mut bytes = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            thread::sleep(latency());
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
