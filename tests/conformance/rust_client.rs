// SPDX-License-Identifier: MIT
//! The program of the suite on top of the library for Rust; see README.md.
use std::collections::HashMap;
use std::io::BufRead;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sluice::{
    exact, Client, Error, Event, Headers, Item, Message, Options, Pending, Receipt, Result,
    SubscribeOptions, Subscription,
};

const NOW: Duration = Duration::ZERO;
const SOON: Duration = Duration::from_millis(20);

fn spell(octets: &[u8]) -> String {
    let spell_one = |octet: &u8| match octet {
        0x21..=0x7e if *octet != b'%' => char::from(*octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    octets.iter().map(spell_one).collect()
}

fn unspell(text: &str) -> Vec<u8> {
    let mut pieces = text.split('%');
    let mut octets = pieces.next().unwrap_or("").as_bytes().to_vec();
    for piece in pieces {
        octets.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        octets.extend_from_slice(piece[2..].as_bytes());
    }
    octets
}

fn channel_of(name: &[u8]) -> String {
    exact(name).expect("a channel")
}

#[derive(Clone)]
struct Order {
    verb: String,
    arguments: Vec<String>,
    options: HashMap<String, String>,
    headers: Headers,
}

impl Order {
    fn new(line: &str) -> Order {
        let mut words = line.split(' ');
        let mut order = Order {
            verb: words.next().unwrap_or("").to_string(),
            arguments: Vec::new(),
            options: HashMap::new(),
            headers: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                None => order.arguments.push(word.to_string()),
                Some((name, value)) if name.starts_with(char::is_uppercase) => {
                    order.headers.push((name.to_string(), unspell(value)));
                }
                Some((name, value)) => {
                    order.options.insert(name.to_string(), value.to_string());
                }
            }
        }
        order
    }

    fn tag(&self) -> Option<&String> {
        self.options.get("tag")
    }

    fn body(&self) -> Vec<u8> {
        match self.options.get("size") {
            Some(size) => vec![b'x'; size.parse().expect("a size")],
            None => unspell(self.options.get("body").map_or("", String::as_str)),
        }
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let text = self.options.get(name)?;
        let count = text.trim_end_matches('s').parse().expect("seconds");
        Some(Duration::from_secs(count))
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        let pairs = self.headers.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect()
    }
}

fn tail(headers: &Headers, body: &[u8]) -> String {
    let mut words = String::new();
    for (at, (name, value)) in headers.iter().enumerate() {
        if !headers[..at].iter().any(|(before, _)| before == name) {
            words += &format!(" {name}={}", spell(value));
        }
    }
    format!("{words} body={}", spell(body))
}

fn code_of(error: &Error) -> String {
    match error {
        Error::NotExecuted => "not-done".to_string(),
        Error::OutcomeUnknown => "unknown".to_string(),
        _ => error.code().expect("a refusal").to_string(),
    }
}

fn on_event(event: &Event) {
    match event {
        Event::Connected { info, .. } => println!("open run={}", info["run"]),
        Event::Disconnected { is_orderly: true } => println!("lost why=bye"),
        Event::Disconnected { .. } => println!("lost why=broken"),
        Event::Draining => println!("drain"),
        Event::Held(channel) => println!("hold {}", channel_of(channel)),
        Event::Released(channel) => println!("go {}", channel_of(channel)),
        Event::NumbersBroken { channel, .. } => println!("wrong {}", channel_of(channel)),
        Event::Failure(error) => println!("err {}", code_of(error)),
        _ => {}
    }
}

/// Prints how a call ended.
fn settle(order: &Order, result: Result<String>) {
    if let Some(tag) = order.tag() {
        match result {
            Ok(words) => println!("ok tag={tag}{words}"),
            Err(error) => println!("err {} tag={tag}", code_of(&error)),
        }
    }
}

fn words_of(receipt: Receipt) -> String {
    let last = match receipt.waiting {
        0 => format!("drop={}", receipt.dropped),
        waiting => format!("held={waiting}"),
    };
    let sync = if receipt.on_disk { " sync=1" } else { "" };
    format!(" seq={} subs={} {last}{sync}", receipt.seq, receipt.subscribers)
}

fn seq_of(subscription: &Subscription) -> String {
    let seq = subscription.seq();
    seq.map_or(String::new(), |seq| format!(" seq={seq}"))
}

/// A subscription, whose items a thread prints.
struct Reader {
    subscription: Subscription,
    barriers: Mutex<Sender<Sender<()>>>,
}

struct Program {
    broker: Client,
    readers: Mutex<HashMap<String, Arc<Reader>>>,
    messages: Mutex<HashMap<Vec<String>, Arc<Message>>>, // for ack and reply
    queues: Mutex<HashMap<String, Sender<Order>>>,       // one publisher for each channel
}

impl Program {
    fn read(&self, reader: &Reader, barriers: &Receiver<Sender<()>>) {
        loop {
            match reader.subscription.next_item_within(SOON) {
                Ok(Some(item)) => self.show(reader.subscription.pattern(), item),
                Err(Error::TimedOut) => {}
                _ => break,
            }
            // What has come before a barrier is printed before it.
            if let Ok(barrier) = barriers.try_recv() {
                while let Ok(Some(item)) = reader.subscription.next_item_within(NOW) {
                    self.show(reader.subscription.pattern(), item);
                }
                let _ = barrier.send(());
            }
        }
    }

    fn show(&self, pattern: &str, item: Item) {
        match item {
            Item::Message(message) => self.show_message(pattern, message),
            Item::Gap(gap) => println!(
                "gap {pattern} {} {} {}{} why={}",
                channel_of(&gap.channel),
                gap.first,
                gap.last,
                if gap.is_new { " new=1" } else { "" },
                gap.why
            ),
            Item::Missed(missed) => match missed.count {
                Some(count) => println!("missed {pattern} {count}"),
                None => println!("missed {pattern}"),
            },
        }
    }

    fn show_message(&self, pattern: &str, message: Message) {
        let channel = channel_of(&message.channel);
        let mut line = format!("msg {pattern} {channel} {}", message.seq);
        if message.is_new {
            line += " new=1";
        }
        if message.tries > 1 {
            line += &format!(" try={}", message.tries);
        }
        if message.wants_reply() {
            line += " reply=yes";
        }
        line += &tail(&message.headers, &message.body);
        let key = vec![channel, message.seq.to_string()];
        let mut messages = self.messages.lock().expect("messages");
        messages.insert(key, Arc::new(message));
        println!("{line}");
    }

    fn reader(&self, pattern: &str) -> Arc<Reader> {
        self.readers.lock().expect("readers")[pattern].clone()
    }

    fn message(&self, order: &Order) -> Arc<Message> {
        self.messages.lock().expect("messages")[&order.arguments].clone()
    }

    fn sub(self: &Arc<Program>, order: &Order) {
        let pattern = order.arguments[0].clone();
        let credit = order.options.get("credit").map_or("1", String::as_str);
        let options = SubscribeOptions {
            ack: order.options.get("ack").map_or(false, |ack| ack == "yes"),
            credit: credit.parse().expect("a credit"),
            wait: order.seconds("wait"),
            gaps: true,
        };
        let subscription = match self.broker.subscribe_with(&pattern, options) {
            Ok(subscription) => subscription,
            Err(error) => return settle(order, Err(error)),
        };
        let done = seq_of(&subscription);
        let (to, from) = channel();
        let barriers = Mutex::new(to);
        let reader = Arc::new(Reader {
            subscription,
            barriers,
        });
        let mut readers = self.readers.lock().expect("readers");
        readers.insert(pattern, reader.clone());
        drop(readers);
        settle(order, Ok(done)); // from now on an echo waits for the reader
        let program = self.clone();
        thread::spawn(move || program.read(&reader, &from));
    }

    fn unsub(&self, order: &Order) {
        let reader = self.reader(&order.arguments[0]);
        self.readers
            .lock()
            .expect("readers")
            .remove(&order.arguments[0]);
        let closed = reader.subscription.close();
        settle(order, closed.map(|()| seq_of(&reader.subscription)));
    }

    fn credit(&self, order: &Order) {
        let reader = self.reader(&order.arguments[0]);
        let credit = order.arguments[1].parse().expect("a credit");
        settle(
            order,
            reader.subscription.credit(credit).map(|()| String::new()),
        );
    }

    /// Keeps the order of each channel, of messages as well as of receipts.
    fn publish(self: &Arc<Program>, order: Order) {
        let mut queues = self.queues.lock().expect("queues");
        let name = order.arguments[0].clone();
        let queue = queues.entry(name).or_insert_with(|| {
            let (to, from) = channel::<Order>();
            let (receipts, printed) = channel::<(Order, Result<Pending>)>();
            let program = self.clone();
            thread::spawn(move || program.publish_all(&from, &receipts));
            thread::spawn(move || {
                for (order, pending) in printed {
                    settle(&order, pending.and_then(Pending::wait).map(words_of));
                }
            });
            to
        });
        queue.send(order).expect("a publisher");
    }

    fn publish_all(&self, orders: &Receiver<Order>, to: &Sender<(Order, Result<Pending>)>) {
        for order in orders {
            let channel = unspell(&order.arguments[0]);
            let headers = order.headers();
            if order.tag().is_none() {
                let _ = self.broker.publish_with(channel, order.body(), &headers);
                continue;
            }
            let pending = if order.options.contains_key("sync") {
                self.broker.publish_durable(channel, order.body(), &headers)
            } else {
                self.broker.publish_pending(channel, order.body(), &headers)
            };
            to.send((order.clone(), pending)).expect("a printer");
        }
    }

    fn request(&self, order: &Order) {
        let result = self.broker.request_with(
            unspell(&order.arguments[0]),
            order.body(),
            order.seconds("timeout").unwrap_or(Duration::from_secs(5)),
            &order.headers(),
        );
        match result {
            Ok(reply) => println!(
                "rep tag={}{}",
                order.tag().expect("a tag"),
                tail(&reply.headers, &reply.body)
            ),
            Err(error) => settle(order, Err(error)),
        }
    }

    fn reply(&self, order: &Order) -> Result<()> {
        let (message, headers) = (self.message(order), order.headers());
        match order.tag() {
            None => message.reply_with(order.body(), &headers),
            Some(_) => message.reply_confirm(order.body(), &headers),
        }
    }

    fn ack(&self, order: &Order) -> Result<()> {
        let message = self.message(order);
        match order.tag() {
            None => message.ack(),
            Some(_) => message.ack_confirm(),
        }
    }

    fn touch(&self, order: &Order) -> Result<()> {
        let message = self.message(order);
        match order.tag() {
            None => message.touch(),
            Some(_) => message.touch_confirm(),
        }
    }

    fn nak(&self, order: &Order) -> Result<()> {
        let message = self.message(order);
        let delay = order.seconds("delay").unwrap_or(Duration::from_secs(1));
        let reason = String::from_utf8_lossy(&order.body()).into_owned();
        match order.tag() {
            None => message.nak(delay, &reason),
            Some(_) => message.nak_confirm(delay, &reason),
        }
    }

    /// Behind what has happened.
    fn echo(&self, order: &Order) {
        let readers: Vec<Arc<Reader>> = {
            let readers = self.readers.lock().expect("readers");
            readers.values().cloned().collect()
        };
        for reader in readers {
            let (to, from) = channel();
            let sent = reader.barriers.lock().expect("barriers").send(to);
            if sent.is_ok() {
                let _ = from.recv();
            }
        }
        println!("echo {}", order.arguments.join(" "));
    }

    fn obey(self: &Arc<Program>, order: &Order) {
        let none = |()| String::new();
        match order.verb.as_str() {
            "sub" => self.sub(order),
            "unsub" => self.unsub(order),
            "credit" => self.credit(order),
            "req" => self.request(order),
            "reply" => settle(order, self.reply(order).map(none)),
            "ack" => settle(order, self.ack(order).map(none)),
            "touch" => settle(order, self.touch(order).map(none)),
            "nak" => settle(order, self.nak(order).map(none)),
            "echo" => self.echo(order),
            _ => panic!("no order: {}", order.verb),
        }
    }
}

fn main() {
    let given = |name| std::env::var(name).unwrap_or_default();
    let broker = match Client::open(Options {
        name: "suite".to_string(),
        user: given("SUITE_USER"),
        mech: given("SUITE_MECH"),
        secret: given("SUITE_SECRET").into_bytes(),
        patient: true,
        on_event: Some(Box::new(on_event)),
        ..Options::default()
    }) {
        Ok(broker) => broker,
        Err(Error::Invalid(why)) => {
            eprintln!("{why}");
            std::process::exit(1);
        }
        Err(error) => return println!("err {}", code_of(&error)),
    };
    let program = Arc::new(Program {
        broker,
        readers: Mutex::default(),
        messages: Mutex::default(),
        queues: Mutex::default(),
    });
    for line in std::io::stdin().lock().lines() {
        let order = Order::new(&line.expect("a line"));
        if order.verb == "pub" {
            program.publish(order);
        } else {
            let program = program.clone();
            thread::spawn(move || program.obey(&order));
        }
    }
    program.broker.close();
}
