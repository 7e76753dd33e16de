// SPDX-License-Identifier: MIT
//! A client for the sluice message broker, wire protocol version 2.
//!
//! ```no_run
//! fn main() -> sluice::Result<()> {
//!     let broker = sluice::Client::connect("127.0.0.1:25000")?;
//!     for job in broker.subscribe("/queue/jobs")? {
//!         let job = job?;
//!         println!("{}", job.text());
//!         job.ack()?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! One file, standard library only. Calls block; a [`Client`] can be shared by
//! threads. Names of channels are any octets. Two threads belong to a client:
//! one connects and reads, the other one writes what calls append.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// The version of this library.
pub const VERSION: &str = "0.1.0";

const DEFAULT_SERVER: &str = "127.0.0.1:25000";
const NAME_MAX: usize = 255; // octets of a channel
const HEAD_MAX: usize = 4096; // octets of a head
const ROUTED_MAX: usize = 3800; // octets of channel and headers together
const PAIRS_MAX: usize = 32; // options and headers of a head
const CHANNELS_MAX: usize = 16384; // whose numbers are followed
const REASON_MAX: usize = 512; // octets of the reason for a nak
const OUT_MAX: usize = 256 << 10; // unwritten octets at which publishing waits
const ITEM_COST: usize = 256; // octets that an item counts beside its body
const CHUNK: usize = 64 << 10; // octets of one read
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LAST: Duration = Duration::from_secs(5);
const OPEN_WITHIN: Duration = Duration::from_secs(10); // the broker's INFO
const ONLY_QUEUES: &str = "credit and wait are for queues with acknowledgements";
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// What calls of this library return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The network.
    Io(Arc<io::Error>),
    /// The broker refused the call, which had no effect.
    Refused {
        /// The broker's code.
        code: String,
        /// The broker's sentence.
        text: String,
    },
    /// No subscriber can answer the request.
    NoResponder,
    /// The request was not answered in time.
    RequestTimeout,
    /// The delivery, request or subscription is not, or no longer, ours.
    Gone,
    /// The body exceeds the broker's limit; nothing was sent.
    TooBig,
    /// An argument that no broker could accept; nothing was sent.
    Invalid(String),
    /// The call waited for longer than [`Options::call_timeout`].
    TimedOut,
    /// The client is closed, or lost its connection and does not reconnect.
    Closed,
    /// The broker said goodbye before it answered: the call had no effect.
    NotExecuted,
    /// The connection broke before the answer: the call may have had its
    /// effect.
    OutcomeUnknown,
    /// The peer ended the connection before it answered the opening: it does
    /// perhaps not speak version 2.
    NoBroker,
}

impl Error {
    fn refusal(code: &str, text: &str) -> Error {
        match code {
            "no-responder" => Error::NoResponder,
            "timeout" => Error::RequestTimeout,
            "gone" => Error::Gone,
            "too-big" => Error::TooBig,
            _ => Error::Refused {
                code: code.to_string(),
                text: text.to_string(),
            },
        }
    }

    /// The broker's code, if it refused the call.
    pub fn code(&self) -> Option<&str> {
        match self {
            Error::Refused { code, .. } => Some(code),
            Error::NoResponder => Some("no-responder"),
            Error::RequestTimeout => Some("timeout"),
            Error::Gone => Some("gone"),
            Error::TooBig => Some("too-big"),
            _ => None,
        }
    }

    /// After these the client does not try again.
    fn is_hopeless(&self) -> bool {
        matches!(
            self.code(),
            Some("auth" | "bad-head" | "bad-option" | "denied" | "version")
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => error.fmt(f),
            Error::Refused { code, text } if text.is_empty() => f.write_str(code),
            Error::Refused { code, text } => write!(f, "{code}: {text}"),
            Error::NoResponder => f.write_str("no subscriber can reply"),
            Error::RequestTimeout => f.write_str("the request was not answered in time"),
            Error::Gone => f.write_str("not ours, or no longer"),
            Error::TooBig => f.write_str("the body exceeds the broker's limit"),
            Error::Invalid(why) => f.write_str(why),
            Error::TimedOut => f.write_str("the call took too long"),
            Error::Closed => f.write_str("the client is closed"),
            Error::NotExecuted => f.write_str("the connection has ended before the call"),
            Error::OutcomeUnknown => f.write_str("the connection has ended before the answer"),
            Error::NoBroker => f.write_str(
                "the broker ended the connection before it answered: does it speak version 2?",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(Arc::new(error))
    }
}

fn invalid<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(why.into()))
}

/// The destination of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its number; 0 if nothing was subscribed.
    pub seq: u64,
    /// Connections or consumers.
    pub subscribers: u64,
    /// Subscribers that were too slow for it.
    pub dropped: u64,
    /// In a queue: its place, 1 is the next; else 0.
    pub waiting: u64,
    /// Of [`Client::publish_durable`], if the queue is durable.
    pub on_disk: bool,
}

/// Names and values, in their order. Names begin with a capital letter.
pub type Headers = Vec<(String, Vec<u8>)>;

fn header_of<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    let found = headers.iter().find(|(theirs, _)| theirs == name);
    found.map(|(_, value)| value.as_slice())
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Any octets.
    pub body: Vec<u8>,
    /// Those of the reply.
    pub headers: Headers,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header_of(&self.headers, name)
    }
}

/// Messages `first` to `last` of a channel will not be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The name of the channel.
    pub channel: Vec<u8>,
    /// The first number that is missing.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// "slow", "memory", ...; "client": no room in the subscription.
    pub why: String,
    /// Whether it begins with the first message of its channel.
    pub is_new: bool,
}

impl Gap {
    /// The number of messages lost.
    pub fn count(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// Without a connection at most `count` messages were missed; `None` if the
/// broker was restarted, because then the number is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The name of the channel.
    pub channel: Vec<u8>,
    /// How many, at most.
    pub count: Option<u64>,
}

/// What a [`Subscription`] yields.
#[derive(Debug)]
pub enum Item {
    /// A message.
    Message(Message),
    /// Lost messages.
    Gap(Gap),
    /// Messages of the time without a connection.
    Missed(Missed),
}

impl Item {
    fn body_size(&self) -> usize {
        match self {
            Item::Message(message) => message.body.len(),
            _ => 0,
        }
    }
}

/// Something that happens to the client; see [`Options::on_event`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection begins.
    Connected {
        /// The broker's limits and other properties.
        info: HashMap<String, String>,
        /// Whether it was not restarted since the last time.
        is_same_run: bool,
    },
    /// A connection ends.
    Disconnected {
        /// Whether the broker said goodbye.
        is_orderly: bool,
    },
    /// The broker is about to stop.
    Draining,
    /// Publishing to this channel waits until it is released.
    Held(Vec<u8>),
    /// The broker accepts messages for this channel again.
    Released(Vec<u8>),
    /// A hole in the numbers of a topic that the broker did not report, or a
    /// number twice.
    NumbersBroken {
        /// The name of the channel.
        channel: Vec<u8>,
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// An error that no call waits for, such as the refusal of a publish.
    Failure(Error),
}

// Names and values as they are written in heads.

fn spell(octets: &[u8], special: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for octet in octets {
        if (0x21..0x7f).contains(octet) && !special.contains(octet) {
            text.push(char::from(*octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
    }
    text
}

fn digit(octet: Option<&u8>) -> Option<u8> {
    let value = char::from(*octet?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// A "%" without two digits behind it is left as it is.
fn unspell(text: &str) -> Vec<u8> {
    let (octets, mut plain) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < octets.len() {
        let pair = (digit(octets.get(at + 1)), digit(octets.get(at + 2)));
        match (octets[at], pair) {
            (b'%', (Some(high), Some(low))) => {
                plain.push(high << 4 | low);
                at += 3;
            }
            (octet, _) => {
                plain.push(octet);
                at += 1;
            }
        }
    }
    plain
}

fn spell_channel(name: &[u8]) -> Result<String> {
    if name.is_empty() || name.len() > NAME_MAX {
        return invalid(format!("a channel has 1 to {NAME_MAX} octets"));
    }
    let text = spell(name, b"%=*");
    Ok(match text.strip_prefix('@') {
        Some(rest) => format!("%40{rest}"),
        None => text,
    })
}

/// The pattern that matches this channel only, whatever octets its name has.
pub fn exact(channel: impl AsRef<[u8]>) -> Result<String> {
    spell_channel(channel.as_ref())
}

fn spell_duration(duration: Duration) -> String {
    format!("{}ms", duration.as_millis().min(999_999_999))
}

/// Reads what the broker writes; zero if it is malformed.
fn duration_of(text: &str) -> Duration {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let count: u64 = text[..at].parse().unwrap_or(0);
    let factor = match &text[at..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    Duration::from_millis(count.saturating_mul(factor))
}

/// A pattern matches within one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Topics,
    Queues,
    Brokers,
}

fn world_of(name: &[u8]) -> World {
    if name.starts_with(b"/queue") {
        World::Queues
    } else if name == b"/sys" || name.starts_with(b"/sys/") {
        World::Brokers
    } else {
        World::Topics
    }
}

/// A set of channels. Wildcards are "*", one segment, and "**" as the last
/// segment, any number of segments.
struct Pattern {
    written: String,
    name: Vec<u8>,
    world: World,
    parts: Vec<Option<Vec<u8>>>, // None: any
    is_exact: bool,
    takes_rest: bool,
}

impl Pattern {
    fn new(text: &[u8]) -> Result<Pattern> {
        let mut written = String::new();
        for octet in text {
            // "%XX" is left as it is.
            let special: &[u8] = b"=";
            if *octet == b'%' {
                written.push('%');
            } else {
                written.push_str(&spell(&[*octet], special));
            }
        }
        let name = unspell(&written);
        let mut segments: Vec<&str> = written.split('/').collect();
        if !Pattern::is_legal(&written, &name, &segments) {
            let text = format!("{written} is not a pattern");
            return Err(Error::refusal("bad-channel", &text));
        }
        let takes_rest = segments.last() == Some(&"**");
        if takes_rest {
            segments.pop();
        }
        let any_or_name = |segment: &&str| (*segment != "*").then(|| unspell(segment));
        Ok(Pattern {
            parts: segments.iter().map(any_or_name).collect(),
            world: world_of(&name),
            is_exact: !written.contains('*'),
            takes_rest,
            name,
            written,
        })
    }

    /// By the rules of the broker.
    fn is_legal(written: &str, name: &[u8], segments: &[&str]) -> bool {
        let octets = written.as_bytes();
        let is_spelled = |at: usize| {
            octets[at] != b'%'
                || digit(octets.get(at + 1)).is_some() && digit(octets.get(at + 2)).is_some()
        };
        let last = segments.len() - 1;
        !name.is_empty()
            && name.len() <= NAME_MAX
            && !written.starts_with('@')
            && !written.to_ascii_uppercase().contains("%2F")
            && (0..octets.len()).all(is_spelled)
            && segments.iter().enumerate().all(|(at, segment)| {
                !segment.contains('*') || *segment == "*" || *segment == "**" && at == last
            })
    }

    fn matches(&self, channel: &[u8]) -> bool {
        if self.is_exact {
            return channel == self.name;
        }
        if world_of(channel) != self.world {
            return false;
        }
        let theirs: Vec<&[u8]> = channel.split(|octet| *octet == b'/').collect();
        let fits = if self.takes_rest {
            theirs.len() >= self.parts.len()
        } else {
            theirs.len() == self.parts.len()
        };
        let mut pairs = self.parts.iter().zip(&theirs);
        fits && pairs.all(|(mine, part)| mine.as_ref().map_or(true, |mine| mine == part))
    }
}

fn is_header_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.len() <= 64
        && name.chars().all(is_inner)
}

/// The head of what goes to a channel.
fn routed(verb: &str, channel: &str, headers: &[(&str, &[u8])]) -> Result<String> {
    let mut words = channel.to_string();
    for (name, value) in headers {
        if !is_header_name(name) {
            return invalid(format!(
                "\"{name}\" is no name of a header: a capital, then up to 63 letters, digits, \
                 '-', '.' or '_'"
            ));
        }
        words.push_str(&format!(" {name}={}", spell(value, b"%")));
    }
    if headers.len() >= PAIRS_MAX || words.len() > ROUTED_MAX {
        return invalid("too many headers, or too long");
    }
    Ok(format!("{verb} {words}"))
}

// Units.

fn garbage() -> Error {
    io::Error::new(io::ErrorKind::InvalidData, "the peer is not a broker").into()
}

/// A head taken apart. Values of options are still spelled.
struct Head {
    verb: String,
    arguments: Vec<String>,
    options: HashMap<String, String>,
    headers: Headers,
}

impl Head {
    fn new(octets: &[u8]) -> Result<Head> {
        if !octets.iter().all(|octet| (0x20..0x7f).contains(octet)) {
            return Err(garbage());
        }
        let text = String::from_utf8_lossy(octets);
        let mut words = text.split(' ');
        let mut head = Head {
            verb: words.next().unwrap_or_default().to_string(),
            arguments: Vec::new(),
            options: HashMap::new(),
            headers: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                None => head.arguments.push(word.to_string()),
                Some((name, value)) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    head.headers.push((name.to_string(), unspell(value)));
                }
                Some((name, value)) => {
                    // Of equal names the first counts.
                    let option = head.options.entry(name.to_string());
                    option.or_insert_with(|| value.to_string());
                }
            }
        }
        Ok(head)
    }

    fn argument(&self, at: usize) -> Result<&str> {
        self.arguments
            .get(at)
            .map(String::as_str)
            .ok_or_else(garbage)
    }

    fn channel(&self) -> Result<Vec<u8>> {
        self.argument(0).map(unspell)
    }

    fn seq(&self, at: usize) -> Result<u64> {
        self.argument(at)?.parse().map_err(|_| garbage())
    }

    /// 0 without that option.
    fn number(&self, option: &str) -> u64 {
        let value = self.options.get(option);
        value.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }
}

/// Cuts the octets that arrive into units. A body may be as long as the broker's
/// limit; until that is known, as long as a head.
struct Framer {
    buffer: Vec<u8>,
    at: usize, // what is before it has been taken
    head: Option<Vec<u8>>,
    limit: usize,
}

impl Framer {
    fn new() -> Framer {
        Framer {
            buffer: Vec::new(),
            at: 0,
            head: None,
            limit: HEAD_MAX,
        }
    }

    fn feed(&mut self, octets: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.is_empty() {
            self.buffer.shrink_to(CHUNK); // a long body has been taken
        }
        self.buffer.extend_from_slice(octets);
    }

    fn frame(&mut self) -> Result<Option<Vec<u8>>> {
        let rest = &self.buffer[self.at..];
        if rest.len() < 4 {
            return Ok(None);
        }
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let limit = if self.head.is_none() {
            HEAD_MAX
        } else {
            self.limit
        };
        if length > limit {
            return Err(garbage());
        }
        if rest.len() - 4 < length {
            return Ok(None);
        }
        let frame = rest[4..4 + length].to_vec();
        self.at += 4 + length;
        Ok(Some(frame))
    }

    /// The next unit that is complete.
    fn unit(&mut self) -> Result<Option<(Head, Vec<u8>)>> {
        if self.head.is_none() {
            self.head = self.frame()?;
        }
        if self.head.is_none() {
            return Ok(None);
        }
        let body = self.frame()?;
        match (body, &self.head) {
            (Some(body), Some(octets)) => {
                let head = Head::new(octets)?;
                self.head = None;
                Ok(Some((head, body)))
            }
            _ => Ok(None),
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The same call for each kind of stream.
macro_rules! of_stream {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            #[cfg(unix)]
            Stream::Unix($inner) => $call,
        }
    };
}

impl Stream {
    /// server: "host:port", "[v6]:port" or "unix:PATH".
    fn connect(server: &str) -> io::Result<Stream> {
        #[cfg(unix)]
        if let Some(path) = server.strip_prefix("unix:") {
            return UnixStream::connect(path).map(Stream::Unix);
        }
        let nowhere = format!("{server} has no address");
        let mut error = io::Error::new(io::ErrorKind::InvalidInput, nowhere);
        for address in server.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, OPEN_WITHIN) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Stream::Tcp(stream));
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    fn try_clone(&self) -> io::Result<Stream> {
        Ok(match self {
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
            #[cfg(unix)]
            Stream::Unix(stream) => Stream::Unix(stream.try_clone()?),
        })
    }

    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        of_stream!(self, stream => stream.read(octets))
    }

    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        of_stream!(self, stream => stream.write_all(octets))
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        of_stream!(self, stream => stream.set_read_timeout(timeout))
    }

    /// Both threads see the end of the connection.
    fn shut_down(&self) {
        let _ = of_stream!(self, stream => stream.shutdown(Shutdown::Both));
    }
}

// What is shared by the threads: all of it behind one mutex.

type Answer = Result<(Head, Vec<u8>)>;

/// What to do with an answer, before the next unit is looked at.
enum Call {
    Give(Sender<Answer>),
    Forget,
    /// is_same_run: whether the broker runs since the last connection; None for
    /// a new subscription, which somebody waits for.
    Subscribe {
        id: u64,
        is_same_run: Option<bool>,
        to: Option<Sender<Answer>>,
    },
}

/// A connection from its opening to its end.
struct Link {
    id: u64,
    stream: Stream,
    out: Vec<u8>, // not yet written
    calls: HashMap<String, Call>,
    last_rid: u64,
    held: HashSet<Vec<u8>>,                // channels between HOLD and GO
    numbers: HashMap<Vec<u8>, u64>,        // the last one of each topic
    info: Option<HashMap<String, String>>, // None before INFO
    max: usize,                            // octets of a body, of the broker
    ping: Duration,
    heard: Instant,
    said_bye: bool,
}

impl Link {
    fn is_open(&self) -> bool {
        self.info.is_some() && !self.said_bye
    }

    /// Appends a unit to what is to be written.
    fn write(&mut self, head: &str, body: &[u8]) -> Result<()> {
        if self.info.is_some() && body.len() > self.max {
            return Err(Error::TooBig);
        }
        if head.len() > HEAD_MAX {
            return invalid("too much for a head");
        }
        for frame in [head.as_bytes(), body] {
            let length = u32::try_from(frame.len()).map_err(|_| Error::TooBig)?;
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(frame);
        }
        Ok(())
    }

    fn call(&mut self, head: &str, body: &[u8], call: Call) -> Result<()> {
        self.last_rid += 1;
        let rid = self.last_rid.to_string();
        self.write(&format!("{head} rid={rid}"), body)?;
        self.calls.insert(rid, call);
        Ok(())
    }

    fn ask(&mut self, head: &str, body: &[u8]) -> Result<Receiver<Answer>> {
        let (to, from) = channel();
        self.call(head, body, Call::Give(to))?;
        Ok(from)
    }

    /// Leaves a broker that has been silent for two periods.
    fn look_at_clock(&mut self) -> Result<()> {
        let silence = self.heard.elapsed();
        if self.ping.is_zero() || silence < self.ping {
            return Ok(());
        }
        if silence >= 2 * self.ping {
            return Err(Error::OutcomeUnknown);
        }
        self.call("PING", b"", Call::Forget)
    }
}

/// The state of a subscription.
struct Sub {
    pattern: Arc<Pattern>,
    options: BTreeMap<&'static str, String>,
    gaps: bool,
    items: VecDeque<Item>,
    octets: usize,                   // of bodies that wait
    dropping: HashMap<Vec<u8>, u64>, // gaps of our own, still open: their ends
    base: u64,                       // earlier numbers are not for it
    seq: Option<u64>,
    lost: u64,
    is_made: bool,               // the broker has accepted it
    is_live: bool,               // on this connection
    over: Option<Option<Error>>, // its end, and the error that was the reason
    ready: Arc<Condvar>,
}

impl Sub {
    fn acks(&self) -> bool {
        self.options.contains_key("ack")
    }

    fn is_queue(&self) -> bool {
        self.pattern.world == World::Queues
    }

    /// Whether its numbers begin with that of the answer to SUB.
    fn is_numbered(&self) -> bool {
        self.pattern.is_exact && !self.is_queue()
    }

    fn is_full(&self, buffer: usize) -> bool {
        self.octets + ITEM_COST * self.items.len() > buffer
    }

    fn put(&mut self, item: Item) {
        self.octets += item.body_size();
        self.items.push_back(item);
        self.ready.notify_one();
    }

    fn put_gap(&mut self, gap: Gap) {
        self.lost += gap.count();
        if self.gaps {
            self.put(Item::Gap(gap));
        }
    }

    /// A message of a topic that finds no room is dropped and reported as a gap,
    /// as the broker does. A message of a queue is always kept.
    fn put_message(&mut self, message: Message, buffer: usize) {
        if self.is_full(buffer) && !self.is_queue() {
            self.drop_message(&message);
            return;
        }
        self.dropping.remove(&message.channel);
        self.put(Item::Message(message));
    }

    fn drop_message(&mut self, message: &Message) {
        let open = self.dropping.get(&message.channel).copied();
        if open.map_or(false, |last| last + 1 == message.seq) && self.grow_gap(message) {
            return;
        }
        if !self.gaps || self.dropping.len() >= CHANNELS_MAX {
            self.lost += 1;
            return;
        }
        self.dropping.insert(message.channel.clone(), message.seq);
        self.put_gap(Gap {
            channel: message.channel.clone(),
            first: message.seq,
            last: message.seq,
            why: "client".to_string(),
            is_new: message.is_new,
        });
    }

    /// The gap of that channel is the last of its items that wait.
    fn grow_gap(&mut self, message: &Message) -> bool {
        for item in self.items.iter_mut().rev() {
            match item {
                Item::Gap(gap) if gap.channel == message.channel => {
                    gap.last += 1;
                    self.lost += 1;
                    self.dropping.insert(message.channel.clone(), message.seq);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    fn take(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.octets -= item.body_size();
        if let Item::Gap(gap) = &item {
            self.dropping.remove(&gap.channel);
        }
        Some(item)
    }

    /// Deliveries of a lost connection are not ours any more.
    fn forget_deliveries(&mut self) {
        if self.acks() {
            self.items.retain(|item| !matches!(item, Item::Message(_)));
            self.octets = 0;
        }
    }

    /// error: None when that was wanted.
    fn end(&mut self, error: Option<Error>) {
        self.over.get_or_insert(error);
        self.is_made = false;
        self.is_live = false;
        self.ready.notify_all();
    }

    fn head(&self) -> String {
        let mut head = format!("SUB {}", self.pattern.written);
        for (name, value) in &self.options {
            head.push_str(&format!(" {name}={value}"));
        }
        head
    }
}

struct State {
    link: Option<Link>,
    last_id: u64, // of links and subscriptions
    run: Option<String>,
    subs: BTreeMap<u64, Sub>,
    readers: HashMap<Vec<u8>, Vec<u64>>, // subscriptions by channel
    is_closing: bool,
    is_over: bool,        // nothing will come any more
    error: Option<Error>, // that ended it
    events: Vec<Event>,
}

impl State {
    fn open_link(&mut self) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.is_open())
    }

    fn has_no_room(&self, buffer: usize) -> bool {
        let is_unbounded = |sub: &&Sub| sub.is_live && sub.is_queue() && !sub.acks();
        let mut unbounded = self.subs.values().filter(is_unbounded);
        unbounded.any(|sub| sub.is_full(buffer))
    }

    fn readers_of(&mut self, channel: &[u8]) -> Vec<u64> {
        if let Some(readers) = self.readers.get(channel) {
            return readers.clone();
        }
        if self.readers.len() >= CHANNELS_MAX {
            self.readers.clear();
        }
        let reads = |(_, sub): &(&u64, &Sub)| sub.is_live && sub.pattern.matches(channel);
        let readers: Vec<u64> = self.subs.iter().filter(reads).map(|(id, _)| *id).collect();
        self.readers.insert(channel.to_vec(), readers.clone());
        readers
    }

    /// Checks that the numbers of a topic continue, or start again.
    fn follow(&mut self, head: &Head, channel: &[u8], first: u64, last: u64) {
        let link = match &mut self.link {
            Some(link) if world_of(channel) != World::Queues => link,
            _ => return,
        };
        if link.numbers.len() >= CHANNELS_MAX && !link.numbers.contains_key(channel) {
            if let Some(some) = link.numbers.keys().next().cloned() {
                link.numbers.remove(&some);
            }
        }
        let before = match link.numbers.insert(channel.to_vec(), last) {
            Some(before) => before,
            None => return,
        };
        let is_next = first == before + 1 || head.has("new") && first > before;
        if !is_next {
            self.events.push(Event::NumbersBroken {
                channel: channel.to_vec(),
                expected: before + 1,
                got: first,
            });
        }
    }

    fn on_subscribed(&mut self, id: u64, head: &Head, is_same_run: Option<bool>) {
        let (pattern, is_wanted) = match self.subs.get(&id) {
            Some(sub) => (sub.pattern.clone(), sub.over.is_none()),
            None => return,
        };
        if !is_wanted {
            self.leave_subscription(&pattern); // given up while it was made
            self.subs.remove(&id);
            return;
        }
        // Earlier messages may still be on their way for another pattern.
        let is_alone = self.readers_of(&pattern.name).is_empty();
        let seq = head.number("seq");
        if let Some(sub) = self.subs.get_mut(&id) {
            if sub.is_numbered() {
                let count = seq.saturating_sub(sub.base);
                let channel = pattern.name.clone();
                let missed = match is_same_run {
                    Some(false) => Some(None),
                    Some(true) if count > 0 => Some(Some(count)),
                    _ => None,
                };
                if let (Some(count), true) = (missed, sub.gaps) {
                    sub.put(Item::Missed(Missed { channel, count }));
                }
                sub.base = seq;
                sub.seq = Some(seq);
            }
            sub.is_made = true;
            sub.is_live = true;
            if let (true, true, Some(link)) = (sub.is_numbered(), is_alone, &mut self.link) {
                link.numbers.insert(pattern.name.clone(), seq);
            }
        }
        self.readers.clear();
    }

    /// Sends UNSUB. The numbers of channels that no other subscription matches
    /// are forgotten.
    fn leave_subscription(&mut self, pattern: &Pattern) -> Option<Receiver<Answer>> {
        self.readers.clear();
        let is_ours = |channel: &&Vec<u8>| pattern.matches(channel);
        let link = self.open_link()?;
        let left: Vec<Vec<u8>> = link.numbers.keys().filter(is_ours).cloned().collect();
        let answer = link.ask(&format!("UNSUB {}", pattern.written), b"").ok();
        for channel in left {
            if self.readers_of(&channel).is_empty() {
                if let Some(link) = &mut self.link {
                    link.numbers.remove(&channel);
                }
            }
        }
        answer
    }
}

struct Shared {
    options: Options,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What is poisoned is the thread that panicked, in an event's function.
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    fn deadline(&self) -> Option<Instant> {
        let timeout = self.options.call_timeout?;
        Instant::now().checked_add(timeout)
    }

    fn wait<'a>(
        &self,
        on: &Condvar,
        state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> Result<MutexGuard<'a, State>> {
        let left = match deadline {
            None => return Ok(on.wait(state).unwrap_or_else(|error| error.into_inner())),
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
        };
        if left.is_zero() {
            return Err(Error::TimedOut);
        }
        let waited = on.wait_timeout(state, left);
        Ok(waited.unwrap_or_else(|error| error.into_inner()).0)
    }

    /// Waits until there is a connection with room that does not hold back the
    /// channel, and locks.
    fn ready(&self, channel: Option<&[u8]>) -> Result<MutexGuard<'_, State>> {
        let deadline = self.deadline();
        let mut state = self.lock();
        loop {
            if state.is_closing {
                return Err(state.error.clone().unwrap_or(Error::Closed));
            }
            let is_held = |link: &Link| channel.map_or(false, |name| link.held.contains(name));
            if let Some(link) = state.open_link() {
                if link.out.len() < OUT_MAX && !is_held(link) {
                    return Ok(state);
                }
            }
            state = self.wait(&self.changed, state, deadline)?;
        }
    }

    fn receive(&self, answer: &Receiver<Answer>) -> Answer {
        let left = self
            .deadline()
            .map(|at| at.saturating_duration_since(Instant::now()));
        match left {
            None => answer.recv().unwrap_or(Err(Error::Closed)),
            Some(left) => match answer.recv_timeout(left) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => Err(Error::TimedOut),
                Err(RecvTimeoutError::Disconnected) => Err(Error::Closed),
            },
        }
    }

    /// Writes as soon as there is a connection with room.
    fn send<T>(
        &self,
        channel: Option<&[u8]>,
        write: impl FnOnce(&mut Link) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.ready(channel)?;
        let result = state.open_link().ok_or(Error::Closed).and_then(write);
        self.changed.notify_all();
        result
    }

    fn ask(&self, head: &str, body: &[u8]) -> Answer {
        let answer = self.send(None, |link| link.ask(head, body))?;
        self.receive(&answer)
    }

    /// Calls the function for events; the state must not be locked.
    fn fire(&self) {
        let events = std::mem::take(&mut self.lock().events);
        if let Some(on_event) = &self.options.on_event {
            events.iter().for_each(on_event);
        }
    }
}

// The thread that connects and reads.

struct Manager {
    shared: Arc<Shared>,
    made: Option<Sender<Result<()>>>, // who waits for the first connection
}

impl Manager {
    fn run(mut self) {
        let mut most = PAUSE_FIRST;
        let mut is_first = true;
        while !self.shared.lock().is_closing {
            let began = Instant::now();
            let result = self.run_link();
            let was_open = result.is_ok();
            if !self.goes_on(is_first, result) {
                return;
            }
            is_first = is_first && !was_open;
            if was_open && began.elapsed() > PAUSE_LAST {
                most = PAUSE_FIRST;
            }
            self.pause(most);
            most = (2 * most).min(PAUSE_LAST);
        }
        self.end(Error::Closed);
    }

    fn goes_on(&mut self, is_first: bool, result: Result<()>) -> bool {
        let options = &self.shared.options;
        let is_final = match &result {
            Ok(()) => !options.reconnect,
            Err(error) => error.is_hopeless() || is_first && !options.patient,
        };
        if !is_final && !self.shared.lock().is_closing {
            return true;
        }
        let error = result.err().unwrap_or(Error::Closed);
        self.end(error.clone());
        if let Some(made) = self.made.take() {
            let _ = made.send(Err(error));
        }
        false
    }

    fn end(&self, error: Error) {
        let mut state = self.shared.lock();
        let reason = (!state.is_closing).then_some(error);
        state.is_closing = true;
        state.is_over = true;
        state.error = reason.clone();
        for sub in state.subs.values_mut() {
            sub.end(reason.clone());
        }
        self.shared.changed.notify_all();
    }

    /// Pauses are random, so that clients do not come back all at once.
    fn pause(&self, most: Duration) {
        let random = std::collections::hash_map::RandomState::new();
        let part = random.build_hasher().finish() % 1000;
        let pause = most / 2 + most / 2 * u32::try_from(part).unwrap_or(0) / 1000;
        let deadline = Instant::now() + pause;
        let mut state = self.shared.lock();
        while !state.is_closing {
            match self
                .shared
                .wait(&self.shared.changed, state, Some(deadline))
            {
                Ok(again) => state = again,
                Err(_) => return,
            }
        }
    }

    /// One connection. Ok if it was open.
    fn run_link(&mut self) -> Result<()> {
        let stream = Stream::connect(&self.shared.options.server_or_default())?;
        let (reading, writing) = (stream.try_clone()?, stream.try_clone()?);
        let id = self.begin(stream)?;
        let shared = self.shared.clone();
        let writer = thread::Builder::new().name("sluice-writer".to_string());
        writer.spawn(move || write_all(&shared, id, writing))?;
        let ended = self.read_all(reading);
        let was_open = self.lose();
        self.shared.fire();
        if was_open {
            return Ok(());
        }
        Err(match ended {
            Err(error) if error.code().is_some() => error,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut => Error::Io(error),
            _ => Error::NoBroker,
        })
    }

    fn begin(&self, stream: Stream) -> Result<u64> {
        let mut state = self.shared.lock();
        state.last_id += 1;
        let id = state.last_id;
        let mut link = Link {
            id,
            stream,
            out: Vec::new(),
            calls: HashMap::new(),
            last_rid: 0,
            held: HashSet::new(),
            numbers: HashMap::new(),
            info: None,
            max: 0,
            ping: OPEN_WITHIN / 2, // until INFO says more
            heard: Instant::now(),
            said_bye: false,
        };
        link.write(&self.shared.options.opening(), &self.shared.options.secret)?;
        state.link = Some(link);
        Ok(id)
    }

    /// Until the connection ends.
    fn read_all(&mut self, mut stream: Stream) -> Result<()> {
        let (mut framer, mut chunk) = (Framer::new(), vec![0; CHUNK]);
        stream.set_read_timeout(Some(OPEN_WITHIN / 4))?;
        let opened = Instant::now();
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => framer.feed(&chunk[..count]),
                Err(error) if is_timeout(&error) => {
                    self.look_at_clock(opened)?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            self.take_all(&mut framer, &stream)?;
            self.wait_for_room()?;
        }
    }

    fn look_at_clock(&self, opened: Instant) -> Result<()> {
        let mut state = self.shared.lock();
        let result = match &mut state.link {
            Some(link) if link.info.is_some() => link.look_at_clock(),
            _ if opened.elapsed() > OPEN_WITHIN => {
                let late = "the broker does not answer the opening";
                Err(io::Error::new(io::ErrorKind::TimedOut, late).into())
            }
            _ => Ok(()),
        };
        self.shared.changed.notify_all();
        result
    }

    fn take_all(&mut self, framer: &mut Framer, stream: &Stream) -> Result<()> {
        if let Some(link) = &mut self.shared.lock().link {
            link.heard = Instant::now();
        }
        while let Some((head, body)) = framer.unit()? {
            let result = self.take(&head, body, framer, stream);
            self.shared.fire();
            result?;
        }
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Unknown verbs are ignored.
    fn take(
        &mut self,
        head: &Head,
        body: Vec<u8>,
        framer: &mut Framer,
        stream: &Stream,
    ) -> Result<()> {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        match head.verb.as_str() {
            "INFO" => self.on_info(&mut state, head, framer, stream),
            "OK" | "REP" | "PONG" => {
                self.on_answer(&mut state, head, Ok(body));
                Ok(())
            }
            "ERR" => self.on_err(&mut state, head, &body),
            "MSG" => self.on_message(&mut state, head, body),
            "GAP" => self.on_gap(&mut state, head),
            "HOLD" => {
                let channel = head.channel()?;
                if let Some(link) = &mut state.link {
                    link.held.insert(channel.clone());
                }
                state.events.push(Event::Held(channel));
                Ok(())
            }
            "GO" => {
                let channel = head.channel()?;
                if let Some(link) = &mut state.link {
                    link.held.remove(&channel);
                }
                state.events.push(Event::Released(channel));
                Ok(())
            }
            "PING" => {
                let words: Vec<&str> = head.arguments.iter().take(1).map(String::as_str).collect();
                let pong = [&["PONG"], words.as_slice()].concat().join(" ");
                state
                    .link
                    .as_mut()
                    .map_or(Ok(()), |link| link.write(&pong, b""))
            }
            "BYE" => {
                if let Some(link) = &mut state.link {
                    link.said_bye = true;
                }
                Err(Error::NotExecuted)
            }
            _ => Ok(()),
        }
    }

    fn on_info(
        &mut self,
        state: &mut State,
        head: &Head,
        framer: &mut Framer,
        stream: &Stream,
    ) -> Result<()> {
        let max = usize::try_from(head.number("max")).unwrap_or(usize::MAX);
        // Longer bodies may still be on their way when the limit shrinks.
        framer.limit = framer.limit.max(max);
        let link = match &mut state.link {
            Some(link) => link,
            None => return Ok(()),
        };
        let is_first = link.info.is_none();
        link.info = Some(head.options.clone());
        link.max = max;
        link.ping = head
            .options
            .get("ping")
            .map_or(Duration::ZERO, |text| duration_of(text));
        let period = (!link.ping.is_zero()).then(|| (link.ping / 2).max(Duration::from_millis(1)));
        stream.set_read_timeout(period)?;
        if !is_first {
            if head.has("drain") {
                state.events.push(Event::Draining);
            }
            return Ok(());
        }
        self.on_open(state, head)
    }

    fn on_open(&mut self, state: &mut State, head: &Head) -> Result<()> {
        let run = head.options.get("run").cloned();
        let is_first = state.run.is_none();
        let is_same_run = state.run == run;
        state.run = run;
        state.events.push(Event::Connected {
            info: head.options.clone(),
            is_same_run,
        });
        let made = state.subs.iter().filter(|(_, sub)| sub.is_made);
        let heads: Vec<(u64, String)> = made.map(|(id, sub)| (*id, sub.head())).collect();
        for (id, head) in heads {
            let call = Call::Subscribe {
                id,
                is_same_run: Some(is_same_run && !is_first),
                to: None,
            };
            if let Some(link) = &mut state.link {
                link.call(&head, b"", call)?;
            }
        }
        if let Some(made) = self.made.take() {
            let _ = made.send(Ok(()));
        }
        if state.is_closing {
            return Err(Error::Closed); // it is too late
        }
        Ok(())
    }

    fn take_call(state: &mut State, head: &Head) -> Option<Call> {
        let rid = head.options.get("rid")?;
        state.link.as_mut()?.calls.remove(rid)
    }

    fn on_answer(&self, state: &mut State, head: &Head, body: Result<Vec<u8>>) -> bool {
        let call = match Manager::take_call(state, head) {
            Some(call) => call,
            None => return false,
        };
        let copy = Head {
            verb: head.verb.clone(),
            arguments: Vec::new(),
            options: head.options.clone(),
            headers: head.headers.clone(),
        };
        match call {
            Call::Forget => {}
            Call::Give(to) => {
                let _ = to.send(body.map(|body| (copy, body)));
            }
            Call::Subscribe {
                id,
                is_same_run,
                to,
            } => {
                match &body {
                    Ok(_) => state.on_subscribed(id, head, is_same_run),
                    Err(error) if is_same_run.is_some() => {
                        state.events.push(Event::Failure(error.clone()));
                        if let Some(sub) = state.subs.get_mut(&id) {
                            sub.end(Some(error.clone()));
                        }
                    }
                    Err(_) => {}
                }
                if let Some(to) = to {
                    let _ = to.send(body.map(|body| (copy, body)));
                }
            }
        }
        true
    }

    fn on_err(&self, state: &mut State, head: &Head, body: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(body);
        let error = Error::refusal(head.argument(0)?, &text);
        if self.on_answer(state, head, Err(error.clone())) {
            return Ok(());
        }
        if state.link.as_ref().map_or(true, |link| link.info.is_none()) {
            return Err(error); // of the opening
        }
        state.events.push(Event::Failure(error));
        Ok(())
    }

    fn on_message(&self, state: &mut State, head: &Head, body: Vec<u8>) -> Result<()> {
        let (channel, seq) = (head.channel()?, head.seq(1)?);
        let readers = state.readers_of(&channel);
        if !readers.is_empty() {
            state.follow(head, &channel, seq, seq);
        }
        let link = state.link.as_ref().map_or(0, |link| link.id);
        for id in readers {
            let sub = match state.subs.get_mut(&id) {
                Some(sub) if seq > sub.base => sub,
                _ => continue,
            };
            let message = Message {
                channel: channel.clone(),
                seq,
                body: body.clone(),
                headers: head.headers.clone(),
                tries: head.number("try").max(1),
                is_new: head.has("new"),
                shared: Arc::downgrade(&self.shared),
                link,
                address: head.options.get("reply").cloned(),
                is_settled: AtomicBool::new(false),
            };
            sub.put_message(message, self.shared.options.buffer);
        }
        Ok(())
    }

    fn on_gap(&self, state: &mut State, head: &Head) -> Result<()> {
        let (channel, first, last) = (head.channel()?, head.seq(1)?, head.seq(2)?);
        if first > last {
            return Err(garbage());
        }
        let readers = state.readers_of(&channel);
        if !readers.is_empty() {
            state.follow(head, &channel, first, last);
        }
        for id in readers {
            if let Some(sub) = state.subs.get_mut(&id) {
                if last <= sub.base {
                    continue;
                }
                sub.put_gap(Gap {
                    channel: channel.clone(),
                    first: first.max(sub.base + 1),
                    last,
                    why: head
                        .options
                        .get("why")
                        .map_or("slow", String::as_str)
                        .to_string(),
                    is_new: head.has("new"),
                });
            }
        }
        Ok(())
    }

    /// Messages of a queue without acknowledgements must not be lost, and must
    /// not fill the memory: when the buffer is full they wait in the socket. But
    /// a caller that waits for an answer may be the reader of these messages, so
    /// reading goes on until it has been answered.
    fn wait_for_room(&self) -> Result<()> {
        let shared = &self.shared;
        let mut state = shared.lock();
        while !state.is_closing && state.has_no_room(shared.options.buffer) {
            let link = match &mut state.link {
                Some(link) if link.calls.is_empty() => link,
                _ => break,
            };
            link.look_at_clock()?;
            let period = Duration::from_millis(100).max(link.ping / 2);
            let deadline = Some(Instant::now() + period);
            state = match shared.wait(&shared.changed, state, deadline) {
                Ok(state) => state,
                Err(_) => shared.lock(),
            };
        }
        Ok(())
    }

    /// The connection has ended: what was not answered was not executed, or that
    /// is unknown. Returns whether it was open.
    fn lose(&self) -> bool {
        let mut state = self.shared.lock();
        let link = match state.link.take() {
            Some(link) => link,
            None => return false,
        };
        link.stream.shut_down();
        let error = if link.said_bye {
            Error::NotExecuted
        } else {
            Error::OutcomeUnknown
        };
        for call in link.calls.into_values() {
            match call {
                Call::Give(to) | Call::Subscribe { to: Some(to), .. } => {
                    let _ = to.send(Err(error.clone()));
                }
                _ => {}
            }
        }
        for sub in state.subs.values_mut().filter(|sub| sub.is_live) {
            sub.is_live = false;
            sub.forget_deliveries();
            if let (true, Some(last)) = (sub.is_numbered(), link.numbers.get(&sub.pattern.name)) {
                sub.base = *last;
            }
        }
        state.readers.clear();
        if link.info.is_some() && !state.is_closing {
            state.events.push(Event::Disconnected {
                is_orderly: link.said_bye,
            });
        }
        self.shared.changed.notify_all();
        link.info.is_some()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

/// The thread that writes, until the connection ends. When writing fails, what
/// the broker has said before can still be read; the end of that is the end of
/// the connection.
fn write_all(shared: &Shared, id: u64, mut stream: Stream) {
    loop {
        let mut state = shared.lock();
        let out = loop {
            match &mut state.link {
                Some(link) if link.id == id => {
                    if !link.out.is_empty() {
                        break std::mem::take(&mut link.out);
                    }
                }
                _ => return,
            }
            state = match shared.wait(&shared.changed, state, None) {
                Ok(state) => state,
                Err(_) => return,
            };
        };
        drop(state);
        shared.changed.notify_all(); // there is room
        let _ = stream.write_all(&out);
    }
}

// Messages.

/// A message, and what can be done about it.
pub struct Message {
    /// The name of its channel.
    pub channel: Vec<u8>,
    /// Its number.
    pub seq: u64,
    /// Any octets.
    pub body: Vec<u8>,
    /// Those of its publisher.
    pub headers: Headers,
    /// 1 for the first delivery.
    pub tries: u64,
    /// Whether it is the first of its channel.
    pub is_new: bool,
    shared: Weak<Shared>,
    link: u64,
    address: Option<String>,
    is_settled: AtomicBool,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Message({} {}, {} octets)",
            self.name(),
            self.seq,
            self.body.len()
        )
    }
}

impl Message {
    /// The name of its channel as text.
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.channel)
    }

    /// Its body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header_of(&self.headers, name)
    }

    /// Whether it is a request.
    pub fn wants_reply(&self) -> bool {
        self.address.is_some()
    }

    /// Whether ack or nak was called.
    pub fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }

    /// A delivery belongs to the connection it came on.
    fn on_link<T>(&self, write: impl FnOnce(&mut Link) -> Result<T>) -> Result<T> {
        let shared = self.shared.upgrade().ok_or(Error::Gone)?;
        let mut state = shared.lock();
        let link = state.open_link().filter(|link| link.id == self.link);
        let result = link.ok_or(Error::Gone).and_then(write);
        shared.changed.notify_all();
        result
    }

    /// Without its connection nothing is sent.
    fn tell(&self, head: &str, body: &[u8]) -> Result<()> {
        match self.on_link(|link| link.write(head, body)) {
            Err(Error::Gone) => Ok(()),
            result => result,
        }
    }

    fn confirm(&self, head: &str, body: &[u8]) -> Result<()> {
        let answer = self.on_link(|link| link.ask(head, body))?;
        let shared = self.shared.upgrade().ok_or(Error::Gone)?;
        shared.receive(&answer).map(|_| ())
    }

    fn head(&self, verb: &str) -> Result<String> {
        Ok(format!(
            "{verb} {} {}",
            spell_channel(&self.channel)?,
            self.seq
        ))
    }

    fn settle(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
    }

    /// The message is done. Does not wait for the broker.
    pub fn ack(&self) -> Result<()> {
        self.settle();
        self.tell(&self.head("ACK")?, b"")
    }

    /// The same, and waits for the broker's answer: [`Error::Gone`] if the
    /// message was no longer ours.
    pub fn ack_confirm(&self) -> Result<()> {
        self.settle();
        self.confirm(&self.head("ACK")?, b"")
    }

    fn nak_head(&self, delay: Duration) -> Result<String> {
        self.settle();
        Ok(format!(
            "{} delay={}",
            self.head("NAK")?,
            spell_duration(delay)
        ))
    }

    /// Returns it to its queue, to be delivered again after a delay.
    pub fn nak(&self, delay: Duration, reason: &str) -> Result<()> {
        let reason = reason.as_bytes();
        self.tell(
            &self.nak_head(delay)?,
            &reason[..reason.len().min(REASON_MAX)],
        )
    }

    /// The same, and waits for the broker's answer.
    pub fn nak_confirm(&self, delay: Duration, reason: &str) -> Result<()> {
        let reason = reason.as_bytes();
        self.confirm(
            &self.nak_head(delay)?,
            &reason[..reason.len().min(REASON_MAX)],
        )
    }

    /// Restarts the `wait` clock of the delivery.
    pub fn touch(&self) -> Result<()> {
        self.tell(&self.head("TOUCH")?, b"")
    }

    /// The same, and waits for the broker's answer.
    pub fn touch_confirm(&self) -> Result<()> {
        self.confirm(&self.head("TOUCH")?, b"")
    }

    fn reply_head(&self, headers: &[(&str, &[u8])]) -> Result<String> {
        match &self.address {
            Some(address) => routed("PUB", address, headers),
            None => invalid("the message is no request"),
        }
    }

    /// Replies to a request. The first reply counts.
    pub fn reply(&self, body: impl AsRef<[u8]>) -> Result<()> {
        self.reply_with(body, &[])
    }

    /// Replies with headers.
    pub fn reply_with(&self, body: impl AsRef<[u8]>, headers: &[(&str, &[u8])]) -> Result<()> {
        self.tell(&self.reply_head(headers)?, body.as_ref())
    }

    /// The same, and waits for the broker's answer: [`Error::Gone`] if the
    /// request was over.
    pub fn reply_confirm(&self, body: impl AsRef<[u8]>, headers: &[(&str, &[u8])]) -> Result<()> {
        self.confirm(&self.reply_head(headers)?, body.as_ref())
    }
}

// Subscriptions.

/// Options of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// For queues: each message is to be acknowledged; `true`. Otherwise the
    /// broker considers a message done when it has sent it.
    pub ack: bool,
    /// How many messages may be unacknowledged; 1.
    pub credit: u32,
    /// The time after which an unacknowledged message is delivered to another
    /// worker; never.
    pub wait: Option<Duration>,
    /// Whether [`Subscription::next_item`] returns gaps, too.
    pub gaps: bool,
}

impl Default for SubscribeOptions {
    fn default() -> SubscribeOptions {
        SubscribeOptions {
            ack: true,
            credit: 1,
            wait: None,
            gaps: false,
        }
    }
}

/// The messages of a pattern: an iterator that blocks. It survives the loss of
/// the connection. When it is dropped, the subscription ends, and messages that
/// are not acknowledged return to their queue.
pub struct Subscription {
    shared: Arc<Shared>,
    id: u64,
    pattern: Arc<Pattern>,
    ready: Arc<Condvar>,
}

impl Subscription {
    /// The pattern, as it is written in heads.
    pub fn pattern(&self) -> &str {
        &self.pattern.written
    }

    fn with<T: Default>(&self, get: impl FnOnce(&Sub) -> T) -> T {
        self.shared
            .lock()
            .subs
            .get(&self.id)
            .map_or_else(T::default, get)
    }

    /// For a topic by its exact name: the number of its last message when the
    /// subscription began and, after [`Subscription::close`], when it ended. The
    /// difference is the number of messages received plus those lost.
    pub fn seq(&self) -> Option<u64> {
        self.with(|sub| sub.seq)
    }

    /// The number of messages reported as lost.
    pub fn lost(&self) -> u64 {
        self.with(|sub| sub.lost)
    }

    /// How many items have come and were not taken yet.
    pub fn waiting(&self) -> usize {
        self.with(|sub| sub.items.len())
    }

    fn next_until(&self, deadline: Option<Instant>) -> Result<Option<Item>> {
        let mut state = self.shared.lock();
        loop {
            let sub = match state.subs.get_mut(&self.id) {
                Some(sub) => sub,
                None => return Ok(None),
            };
            if let Some(item) = sub.take() {
                self.shared.changed.notify_all(); // there is room
                return Ok(Some(item));
            }
            match &sub.over {
                Some(Some(error)) => return Err(error.clone()),
                Some(None) => return Ok(None),
                None => {}
            }
            state = self.shared.wait(&self.ready, state, deadline)?;
        }
    }

    /// Waits for the next item. `None` after the end of the subscription or the
    /// client.
    pub fn next_item(&self) -> Result<Option<Item>> {
        self.next_until(None)
    }

    /// The same, or [`Error::TimedOut`].
    pub fn next_item_within(&self, timeout: Duration) -> Result<Option<Item>> {
        self.next_until(Some(Instant::now() + timeout))
    }

    /// Sets how many messages may be unacknowledged; 0 pauses.
    pub fn credit(&self, messages: u32) -> Result<()> {
        if let Some(sub) = self.shared.lock().subs.get_mut(&self.id) {
            if !sub.acks() {
                return invalid(ONLY_QUEUES);
            }
            sub.options.insert("credit", messages.to_string());
        }
        let head = format!("CREDIT {} {messages}", self.pattern.written);
        self.shared.ask(&head, b"").map(|_| ())
    }

    fn leave(&self) -> Option<Receiver<Answer>> {
        let mut state = self.shared.lock();
        let sub = state.subs.get_mut(&self.id)?;
        let was_live = sub.is_live;
        sub.end(None);
        sub.forget_deliveries();
        if !was_live {
            return None;
        }
        let answer = state.leave_subscription(&self.pattern);
        self.shared.changed.notify_all();
        answer
    }

    /// Ends it and waits for the broker's answer. Messages that are not
    /// acknowledged return to their queue.
    pub fn close(&self) -> Result<()> {
        let answer = match self.leave() {
            Some(answer) => answer,
            None => return Ok(()),
        };
        match self.shared.receive(&answer) {
            Ok((head, _)) => {
                if let Some(sub) = self.shared.lock().subs.get_mut(&self.id) {
                    if sub.is_numbered() {
                        sub.seq = Some(head.number("seq"));
                    }
                }
                Ok(())
            }
            Err(Error::Gone | Error::Closed | Error::NotExecuted | Error::OutcomeUnknown) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let _ = self.leave();
        self.shared.lock().subs.remove(&self.id);
    }
}

/// Messages only; for gaps there is [`Subscription::next_item`].
impl Iterator for Subscription {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Result<Message>> {
        loop {
            match self.next_item() {
                Ok(Some(Item::Message(message))) => return Some(Ok(message)),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

// The client.

/// Called with events, one after the other, by the thread that reads: it must
/// not wait for the client.
pub type OnEvent = Box<dyn Fn(&Event) + Send + Sync>;

/// Options of a client.
pub struct Options {
    /// "host:port", "[v6]:port" or "unix:PATH"; if empty, $SLUICE_SERVER, else
    /// 127.0.0.1:25000.
    pub server: String,
    /// Shown in the broker's monitoring.
    pub name: String,
    /// Keepalive period; zero turns it off.
    pub ping: Option<Duration>,
    /// Who this is: with its password as `secret`.
    pub user: String,
    /// A password; or a token, which says by itself who this is.
    pub secret: Vec<u8>,
    /// What the secret is: "plain", a password, or "token". If empty, a password
    /// beside a user, and a token without one.
    pub mech: String,
    /// Reconnect when the connection is lost, and subscribe again; `true`.
    pub reconnect: bool,
    /// Retry the first connection, too, instead of returning an error; `false`.
    pub patient: bool,
    /// Octets of messages that may wait in each subscription; 64 MiB.
    pub buffer: usize,
    /// How long a call may wait for a connection, for room and for an answer.
    pub call_timeout: Option<Duration>,
    /// Called with what happens to the client.
    pub on_event: Option<OnEvent>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server: String::new(),
            name: String::new(),
            ping: None,
            user: String::new(),
            secret: Vec::new(),
            mech: String::new(),
            reconnect: true,
            patient: false,
            buffer: 64 << 20,
            call_timeout: None,
            on_event: None,
        }
    }
}

impl Options {
    fn server_or_default(&self) -> String {
        if !self.server.is_empty() {
            return self.server.clone();
        }
        let given = std::env::var("SLUICE_SERVER").unwrap_or_default();
        if given.is_empty() {
            DEFAULT_SERVER.to_string()
        } else {
            given
        }
    }

    fn mech_or_default(&self) -> &str {
        match self.mech.as_str() {
            "" if self.secret.is_empty() => "",
            "" if self.user.is_empty() => "token",
            "" => "plain",
            mech => mech,
        }
    }

    /// What no broker could be opened with.
    fn check(&self) -> Result<()> {
        match self.mech_or_default() {
            "ed25519" => invalid(
                "Rust's standard library cannot sign with Ed25519: use a token or a password",
            ),
            "" => Ok(()),
            "plain" | "token" if self.secret.is_empty() => invalid("mech needs a secret"),
            "plain" if self.user.is_empty() => invalid("a password needs its user"),
            "plain" | "token" => Ok(()),
            _ => invalid("mech is \"plain\" or \"token\""),
        }
    }

    fn opening(&self) -> String {
        let mut opening = "\0SLUICE/2".to_string();
        for (name, value) in [("name", &self.name), ("user", &self.user)] {
            if !value.is_empty() {
                opening.push_str(&format!(" {name}={}", spell(value.as_bytes(), b"%")));
            }
        }
        if !self.mech_or_default().is_empty() {
            opening.push_str(&format!(" mech={}", self.mech_or_default()));
        }
        if let Some(ping) = self.ping {
            opening.push_str(&format!(" ping={}", spell_duration(ping)));
        }
        opening
    }
}

/// A published message whose receipt has not come yet.
pub struct Pending {
    shared: Arc<Shared>,
    answer: Receiver<Answer>,
}

impl Pending {
    /// Waits for the receipt.
    pub fn wait(self) -> Result<Receipt> {
        let (head, _) = self.shared.receive(&self.answer)?;
        Ok(Receipt {
            seq: head.number("seq"),
            subscribers: head.number("subs"),
            dropped: head.number("drop"),
            waiting: head.number("held"),
            on_disk: head.number("sync") == 1,
        })
    }
}

/// A connection to a broker, and its successors. When it is dropped, it is
/// closed in an orderly way.
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    /// A client with default options; server as in [`Options::server`].
    pub fn connect(server: &str) -> Result<Client> {
        Client::open(Options {
            server: server.to_string(),
            ..Options::default()
        })
    }

    /// Connects. The error is one of the network, a refusal, or
    /// [`Error::NoBroker`].
    pub fn open(options: Options) -> Result<Client> {
        options.check()?;
        let shared = Arc::new(Shared {
            options,
            changed: Condvar::new(),
            state: Mutex::new(State {
                link: None,
                last_id: 0,
                run: None,
                subs: BTreeMap::new(),
                readers: HashMap::new(),
                is_closing: false,
                is_over: false,
                error: None,
                events: Vec::new(),
            }),
        });
        let (to, from) = channel();
        let manager = Manager {
            shared: shared.clone(),
            made: Some(to),
        };
        let reader = thread::Builder::new().name("sluice-reader".to_string());
        reader.spawn(move || manager.run())?;
        from.recv().unwrap_or(Err(Error::Closed))?;
        Ok(Client { shared })
    }

    /// The broker's limits and other properties.
    pub fn info(&self) -> HashMap<String, String> {
        let state = self.shared.lock();
        let info = state.link.as_ref().and_then(|link| link.info.clone());
        info.unwrap_or_default()
    }

    /// Hands a message to the broker. Waits while the broker takes no more data,
    /// while it holds this channel back, and while there is no connection. Does
    /// not wait for an answer: a refusal is an event.
    pub fn publish(&self, channel: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Result<()> {
        self.publish_with(channel, body, &[])
    }

    /// The same with headers.
    pub fn publish_with(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<()> {
        let name = channel.as_ref();
        let head = routed("PUB", &spell_channel(name)?, headers)?;
        self.shared
            .send(Some(name), |link| link.write(&head, body.as_ref()))
    }

    /// Publishes; the receipt is waited for later. Receipts for one channel come
    /// in the order of publishing.
    pub fn publish_pending(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<Pending> {
        let head = routed("PUB", &spell_channel(channel.as_ref())?, headers)?;
        self.publish_head(channel.as_ref(), &head, body.as_ref())
    }

    /// The same with a receipt that comes when the message is on disk, if the
    /// queue is durable.
    pub fn publish_durable(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<Pending> {
        let head = routed("PUB", &spell_channel(channel.as_ref())?, headers)?;
        let head = format!("{head} confirm=sync");
        self.publish_head(channel.as_ref(), &head, body.as_ref())
    }

    fn publish_head(&self, name: &[u8], head: &str, body: &[u8]) -> Result<Pending> {
        let answer = self
            .shared
            .send(Some(name), |link| link.ask(head, body))?;
        Ok(Pending {
            shared: self.shared.clone(),
            answer,
        })
    }

    /// Publishes, and waits for the receipt.
    pub fn publish_confirm(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<Receipt> {
        self.publish_pending(channel, body, headers)?.wait()
    }

    /// Sends a request and returns the first reply: [`Error::NoResponder`] if
    /// there is no subscriber, [`Error::RequestTimeout`] if none of them replies
    /// in time, which is at most an hour.
    pub fn request(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        timeout: Duration,
    ) -> Result<Reply> {
        self.request_with(channel, body, timeout, &[])
    }

    /// The same with headers.
    pub fn request_with(
        &self,
        channel: impl AsRef<[u8]>,
        body: impl AsRef<[u8]>,
        timeout: Duration,
        headers: &[(&str, &[u8])],
    ) -> Result<Reply> {
        let head = routed("REQ", &spell_channel(channel.as_ref())?, headers)?;
        let head = format!("{head} timeout={}", spell_duration(timeout));
        let (head, body) = self.shared.ask(&head, body.as_ref())?;
        Ok(Reply {
            body,
            headers: head.headers,
        })
    }

    /// Subscribes. In a pattern "*" is one segment, "**" at the end any number of
    /// segments, "%XX" one octet; see [`exact`]. Messages of queues are to be
    /// acknowledged, one at a time.
    pub fn subscribe(&self, pattern: impl AsRef<[u8]>) -> Result<Subscription> {
        self.subscribe_with(pattern, SubscribeOptions::default())
    }

    /// The same with options.
    pub fn subscribe_with(
        &self,
        pattern: impl AsRef<[u8]>,
        options: SubscribeOptions,
    ) -> Result<Subscription> {
        let pattern = Arc::new(Pattern::new(pattern.as_ref())?);
        let mut words = BTreeMap::new();
        if pattern.world == World::Queues && options.ack {
            words.insert("ack", "yes".to_string());
            words.insert("credit", options.credit.to_string());
            if let Some(wait) = options.wait {
                words.insert("wait", spell_duration(wait));
            }
        } else if options.credit != 1 || options.wait.is_some() {
            return invalid(ONLY_QUEUES);
        }
        let ready = Arc::new(Condvar::new());
        let sub = Sub {
            pattern: pattern.clone(),
            options: words,
            gaps: options.gaps,
            items: VecDeque::new(),
            octets: 0,
            dropping: HashMap::new(),
            base: 0,
            seq: None,
            lost: 0,
            is_made: false,
            is_live: false,
            over: None,
            ready: ready.clone(),
        };
        let (id, answer) = self.submit(sub)?;
        match self.shared.receive(&answer) {
            Ok(_) => Ok(Subscription {
                shared: self.shared.clone(),
                id,
                pattern,
                ready,
            }),
            Err(error) => {
                self.give_up(id, &error);
                Err(error)
            }
        }
    }

    fn submit(&self, sub: Sub) -> Result<(u64, Receiver<Answer>)> {
        let mut state = self.shared.ready(None)?;
        state.last_id += 1;
        let id = state.last_id;
        let (to, from) = channel();
        let call = Call::Subscribe {
            id,
            is_same_run: None,
            to: Some(to),
        };
        if let Some(link) = state.open_link() {
            link.call(&sub.head(), b"", call)?;
        }
        state.subs.insert(id, sub);
        self.shared.changed.notify_all();
        Ok((id, from))
    }

    /// The answer may still come: then the broker has to be told.
    fn give_up(&self, id: u64, error: &Error) {
        let mut state = self.shared.lock();
        match state.subs.get_mut(&id) {
            Some(sub) if matches!(error, Error::TimedOut) && !sub.is_live => sub.end(None),
            Some(sub) => {
                let (pattern, was_live) = (sub.pattern.clone(), sub.is_live);
                state.subs.remove(&id);
                if was_live {
                    state.leave_subscription(&pattern);
                }
            }
            None => {}
        }
        self.shared.changed.notify_all();
    }

    /// Leaves in an orderly way: all calls before are executed. Messages that are
    /// not acknowledged return to their queues.
    pub fn close(&self) {
        let deadline = Instant::now() + LEAVE_WITHIN;
        let mut state = self.shared.lock();
        if !state.is_closing {
            state.is_closing = true;
            if let Some(link) = state.open_link() {
                let _ = link.call("BYE", b"", Call::Forget);
            }
            self.shared.changed.notify_all();
        }
        while !state.is_over {
            match self
                .shared
                .wait(&self.shared.changed, state, Some(deadline))
            {
                Ok(again) => state = again,
                Err(_) => {
                    if let Some(link) = &self.shared.lock().link {
                        link.stream.shut_down();
                    }
                    return;
                }
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}
