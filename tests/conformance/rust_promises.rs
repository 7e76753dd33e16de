// SPDX-License-Identifier: MIT
//! What the library for Rust promises beyond the suite. The test is its broker.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{spawn, JoinHandle};
use std::time::{Duration, Instant};

use sluice::{Client, Error, Item, Message, Options, Receipt, SubscribeOptions, Subscription};

const INFO: &str = "INFO suite/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024 reqs=1024 \
                    ping=30s feat=core";
const DEADLINE: Duration = Duration::from_secs(60);

/// One connection, as the broker sees it.
struct Peer(TcpStream);

fn unit(head: &str, body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for frame in [head.as_bytes(), body] {
        let length = u32::try_from(frame.len()).expect("a length");
        octets.extend_from_slice(&length.to_be_bytes());
        octets.extend_from_slice(frame);
    }
    octets
}

impl Peer {
    fn accept(listener: &TcpListener) -> Peer {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        Peer(stream)
    }

    fn frame(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("a length");
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut frame).expect("a frame");
        frame
    }

    /// The next step sees how the connection ended.
    fn write(&mut self, octets: &[u8]) {
        let _ = self.0.write_all(octets);
    }

    fn send(&mut self, head: &str, body: &[u8]) {
        self.write(&unit(head, body));
    }

    fn open(mut self, info: &str) -> Peer {
        self.frame();
        self.frame();
        self.send(info, b"");
        self
    }

    /// Checks the next unit, without its rid; its rid and its body.
    fn expect(&mut self, wanted: &str) -> (String, Vec<u8>) {
        let head = String::from_utf8(self.frame()).expect("a head");
        let is_rid = |word: &&str| word.starts_with("rid=");
        let rid = head.split(' ').find(is_rid).map_or("", |word| &word[4..]);
        let words: Vec<&str> = head.split(' ').filter(|word| !is_rid(word)).collect();
        assert_eq!(words.join(" "), wanted);
        (rid.to_string(), self.frame())
    }

    fn answer(&mut self, wanted: &str, more: &str) {
        let (rid, _) = self.expect(wanted);
        self.send(&format!("OK rid={rid}{more}"), b"");
    }

    /// Everything that was sent has been looked at.
    fn barrier(&mut self) {
        self.send("PING barrier", b"");
        self.expect("PONG barrier");
    }
}

/// A broker, its first connection, and a client. The connection ends before the
/// client does, which then need not wait for the answer to its goodbye.
struct Scene {
    peer: Peer,
    listener: TcpListener,
    client: Option<Client>,
}

impl Scene {
    fn new(options: Options, info: &str) -> Scene {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let server = listener.local_addr().expect("an address").to_string();
        let client = spawn(move || Client::open(Options { server, ..options }));
        let peer = Peer::accept(&listener).open(info);
        let client = client.join().expect("a thread").expect("a client");
        Scene {
            peer,
            listener,
            client: Some(client),
        }
    }

    fn usual() -> Scene {
        Scene::new(Options::default(), INFO)
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("a client")
    }

    fn subscribe(
        &mut self,
        pattern: &str,
        options: SubscribeOptions,
        wanted: &str,
        more: &str,
    ) -> Subscription {
        let client = self.client.as_ref().expect("a client");
        let peer = &mut self.peer;
        std::thread::scope(|scope| {
            let made = scope.spawn(|| client.subscribe_with(pattern, options));
            peer.answer(wanted, more);
            made.join().expect("a thread").expect("a subscription")
        })
    }

    /// The next connection.
    fn again(&mut self) {
        self.peer = Peer::accept(&self.listener).open(INFO);
    }

    fn end_connection(&self) {
        self.peer
            .0
            .shutdown(std::net::Shutdown::Both)
            .expect("an end");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.peer.0.shutdown(std::net::Shutdown::Both);
        drop(self.client.take());
    }
}

fn with_gaps() -> SubscribeOptions {
    SubscribeOptions {
        gaps: true,
        ..SubscribeOptions::default()
    }
}

fn without_acks() -> SubscribeOptions {
    SubscribeOptions {
        ack: false,
        ..SubscribeOptions::default()
    }
}

fn message(subscription: &Subscription) -> Message {
    match subscription.next_item_within(DEADLINE) {
        Ok(Some(Item::Message(message))) => message,
        other => panic!("{other:?}"),
    }
}

fn flood(peer: &Peer, count: u64) -> JoinHandle<()> {
    let mut stream = peer.0.try_clone().expect("a stream");
    spawn(move || {
        for seq in 1..=count {
            let octets = unit(&format!("MSG /queue/jobs {seq}"), &[b'x'; 2000]);
            let _ = stream.write_all(&octets);
        }
    })
}

#[test]
fn an_iterator_yields_jobs_and_ends_the_subscription() {
    let mut scene = Scene::usual();
    let options = SubscribeOptions::default();
    let wanted = "SUB /queue/jobs ack=yes credit=1";
    let jobs = scene.subscribe("/queue/jobs", options, wanted, "");
    scene.peer.send("MSG /queue/jobs 1 Unit=C", b"a");
    for job in jobs {
        let job = job.expect("a job");
        assert_eq!(
            (job.text().as_ref(), job.header("Unit")),
            ("a", Some(&b"C"[..]))
        );
        job.ack().expect("an ack");
        break;
    }
    scene.peer.expect("ACK /queue/jobs 1");
    scene.peer.answer("UNSUB /queue/jobs", "");
}

#[test]
fn deliveries_end_with_their_connection() {
    let mut scene = Scene::usual();
    let options = SubscribeOptions {
        credit: 9,
        wait: Some(Duration::from_secs(30)),
        ..SubscribeOptions::default()
    };
    let wanted = "SUB /queue/jobs ack=yes credit=9 wait=30000ms";
    let jobs = scene.subscribe("/queue/jobs", options, wanted, "");
    scene.peer.send("MSG /queue/jobs 1", b"x");
    scene.peer.send("MSG /queue/jobs 2", b"x");
    let old = message(&jobs);
    scene.end_connection();
    scene.again();
    scene.peer.answer(wanted, "");
    scene.peer.send("MSG /queue/jobs 1 try=2", b"again");
    assert_eq!(message(&jobs).text(), "again");
    old.ack().expect("nothing is sent");
    assert!(matches!(old.ack_confirm(), Err(Error::Gone)));
    scene.peer.barrier();
}

#[test]
fn messages_of_a_topic_without_room_are_counted() {
    let options = Options {
        buffer: 3000,
        ..Options::default()
    };
    let mut scene = Scene::new(options, INFO);
    let readings = scene.subscribe("/t", with_gaps(), "SUB /t", " seq=0");
    for seq in 1..=20 {
        scene.peer.send(&format!("MSG /t {seq}"), &[b'x'; 744]);
    }
    scene.peer.barrier();
    let mut received = 0;
    while readings.waiting() > 1 {
        received = message(&readings).seq;
    }
    match readings.next_item() {
        Ok(Some(Item::Gap(gap))) => {
            assert_eq!(
                (gap.first, gap.last, gap.why.as_str()),
                (received + 1, 20, "client")
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(readings.lost() + received, 20);
}

#[test]
fn messages_of_a_queue_without_room_wait_in_the_socket() {
    let options = Options {
        buffer: 3000,
        ..Options::default()
    };
    let mut scene = Scene::new(options, INFO);
    let jobs = scene.subscribe("/queue/jobs", without_acks(), "SUB /queue/jobs", "");
    let flood = flood(&scene.peer, 2000);
    for seq in 1..=2000 {
        assert_eq!(message(&jobs).seq, seq);
        assert!(jobs.waiting() < 40); // what one read may bring
    }
    flood.join().expect("a thread");
    assert_eq!(jobs.lost(), 0);
}

#[test]
fn an_answer_arrives_although_the_buffer_is_full() {
    let options = Options {
        buffer: 3000,
        ..Options::default()
    };
    let mut scene = Scene::new(options, INFO);
    let _jobs = scene.subscribe("/queue/jobs", without_acks(), "SUB /queue/jobs", "");
    let flood = flood(&scene.peer, 2000);
    let client = scene.client.as_ref().expect("a client");
    let peer = &mut scene.peer;
    let receipt = std::thread::scope(|scope| {
        let receipt = scope.spawn(|| client.publish_confirm("/t", "x", &[]));
        let (rid, _) = peer.expect("PUB /t");
        flood.join().expect("a thread");
        peer.send(&format!("OK rid={rid} seq=7 subs=1 drop=0"), b"");
        receipt.join().expect("a thread").expect("a receipt")
    });
    let wanted = Receipt {
        seq: 7,
        subscribers: 1,
        ..Receipt::default()
    };
    assert_eq!(receipt, wanted);
}

#[test]
fn a_receipt_may_wait_for_the_disk() {
    let mut scene = Scene::new(Options::default(), INFO);
    let client = scene.client.as_ref().expect("a client");
    let pending = client.publish_durable("/queue/q", "x", &[]).expect("sent");
    let (rid, _) = scene.peer.expect("PUB /queue/q confirm=sync");
    let answer = format!("OK rid={rid} seq=7 subs=0 held=1 sync=1");
    scene.peer.send(&answer, b"");
    let wanted = Receipt {
        seq: 7,
        waiting: 1,
        on_disk: true,
        ..Receipt::default()
    };
    assert_eq!(pending.wait().expect("a receipt"), wanted);
}

#[test]
fn a_call_waits_no_longer_than_it_may() {
    let options = Options {
        call_timeout: Some(Duration::from_millis(50)),
        ..Options::default()
    };
    let mut scene = Scene::new(options, INFO);
    scene.peer.send("HOLD /t", b"");
    scene.peer.barrier();
    let given_up = scene.client().publish("/t", "given up");
    assert!(matches!(given_up, Err(Error::TimedOut)));
    scene.peer.send("GO /t", b"");
    scene.peer.barrier();
    scene.client().publish("/t", "kept").expect("room");
    assert_eq!(scene.peer.expect("PUB /t").1, b"kept");
}

#[test]
fn a_subscription_that_is_given_up_is_given_back() {
    let options = Options {
        call_timeout: Some(Duration::from_millis(50)),
        ..Options::default()
    };
    let mut scene = Scene::new(options, INFO);
    let given_up = scene.client().subscribe("/t").map(|_| ());
    assert!(matches!(given_up, Err(Error::TimedOut)));
    scene.peer.answer("SUB /t", " seq=0");
    scene.peer.answer("UNSUB /t", " seq=0");
}

#[test]
fn a_refusal_for_good_ends_everything() {
    let mut scene = Scene::usual();
    let readings = scene.subscribe("/t", with_gaps(), "SUB /t", " seq=0");
    scene.end_connection();
    let mut peer = Peer::accept(&scene.listener);
    peer.frame();
    peer.frame();
    peer.send("ERR auth", b"no longer");
    peer.send("BYE", b"");
    let error = readings.next_item_within(DEADLINE).expect_err("an error");
    assert_eq!(error.code(), Some("auth"));
    let error = scene.client().publish("/t", "x").expect_err("an error");
    assert_eq!(error.code(), Some("auth"));
}

#[test]
fn a_broker_that_is_silent_is_left() {
    let mut scene = Scene::new(Options::default(), &INFO.replace("30s", "100ms"));
    scene.peer.expect("PING");
    scene.again();
}

#[test]
fn a_broker_that_ends_every_connection_is_not_flooded() {
    let mut scene = Scene::usual();
    for attempt in 0..4 {
        let ended = Instant::now();
        scene.end_connection();
        scene.again();
        assert!(ended.elapsed() >= Duration::from_millis(25 << attempt));
    }
}

#[test]
fn garbage_ends_the_connection_and_not_the_program() {
    let mut scene = Scene::usual();
    let garbage: [&[u8]; 4] = [
        b"\x00\x00\x00\x02\xff\xfe\x00\x00\x00\x00",
        b"HTTP/1.1 200 OK",
        b"\x00\x00\x00\x06MSG /t\x00\x00\x00\x00",
        b"\x00\x00\x00\x08MSG /t 1\xff\xff\xff\xff",
    ];
    for octets in garbage {
        scene.peer.write(octets);
        scene.again();
    }
}

#[test]
fn a_limit_that_grows_holds_at_once() {
    let mut scene = Scene::new(Options::default(), &INFO.replace("1000000", "100"));
    let readings = scene.subscribe("/t", with_gaps(), "SUB /t", " seq=0");
    scene.peer.send(INFO, b"");
    scene.peer.send("MSG /t 1", &[b'x'; 10000]);
    assert_eq!(message(&readings).body.len(), 10000);
}

#[test]
fn malformed_arguments_are_refused_locally() {
    let mut scene = Scene::usual();
    let long = "x".repeat(256);
    for pattern in ["/a*", "/**/a", "@x", "", "/%2F", "/%4", &long] {
        let error = scene.client().subscribe(pattern).map(|_| ());
        assert_eq!(error.expect_err("a refusal").code(), Some("bad-channel"));
    }
    for channel in ["", &long] {
        assert!(matches!(
            scene.client().publish(channel, ""),
            Err(Error::Invalid(_))
        ));
    }
    let value = [b'x'; 3800];
    let many = [("A", &b"x"[..]); 33];
    let bad: [&[(&str, &[u8])]; 4] = [&[("a", b"")], &[("A B", b"")], &[("A", &value)], &many];
    for headers in bad {
        let result = scene.client().publish_with("/t", "", headers);
        assert!(matches!(result, Err(Error::Invalid(_))));
    }
    let options = SubscribeOptions {
        credit: 5,
        ..SubscribeOptions::default()
    };
    let refused = scene.client().subscribe_with("/t", options).map(|_| ());
    assert!(matches!(refused, Err(Error::Invalid(_))));
    scene.peer.barrier();
}

#[test]
fn a_broker_of_version_1_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let server = listener.local_addr().expect("an address").to_string();
    let client = spawn(move || Client::connect(&server).map(|_| ()));
    drop(Peer::accept(&listener));
    let result = client.join().expect("a thread");
    assert!(matches!(result, Err(Error::NoBroker)), "{result:?}");
}
