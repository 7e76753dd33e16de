// SPDX-License-Identifier: MIT

// What the library for Go promises beyond the suite. The test is its broker.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice"
)

const (
	info = "INFO suite/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024" +
		" reqs=1024 ping=30s feat=core"
	deadline = time.Minute
)

// broker accepts connections.
type broker struct {
	*testing.T
	listener net.Listener
	events   chan sluice.Event
}

func listen(t *testing.T) *broker {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &broker{t, listener, make(chan sluice.Event, 1000)}
}

// peer is one connection, as the broker sees it.
type peer struct {
	*testing.T
	net.Conn
}

func (b *broker) peer() *peer {
	b.Helper()
	conn, err := b.listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		b.Fatal(err)
	}
	return &peer{b.T, conn}
}

func (p *peer) frame() []byte {
	p.Helper()
	var length uint32
	if err := binary.Read(p, binary.BigEndian, &length); err != nil {
		p.Fatal(err)
	}
	octets := make([]byte, length)
	if _, err := io.ReadFull(p, octets); err != nil {
		p.Fatal(err)
	}
	return octets
}

func (p *peer) send(head, body string) {
	var out bytes.Buffer
	for _, frame := range []string{head, body} {
		_ = binary.Write(&out, binary.BigEndian, uint32(len(frame)))
		out.WriteString(frame)
	}
	_, _ = p.Write(out.Bytes()) // the next step sees how it ended
}

// open answers the opening.
func (p *peer) open(info string) *peer {
	p.frame()
	p.frame()
	p.send(info, "")
	return p
}

var rid = regexp.MustCompile(` rid=(\S+)`)

// expect checks the next unit, without its rid, and returns its rid and body.
func (p *peer) expect(wanted string) (string, string) {
	p.Helper()
	head, body := string(p.frame()), string(p.frame())
	if got := rid.ReplaceAllString(head, ""); got != wanted {
		p.Fatalf("%q instead of %q", got, wanted)
	}
	found := rid.FindStringSubmatch(head)
	if found == nil {
		return "", body
	}
	return found[1], body
}

func (p *peer) answer(wanted, more string) {
	p.Helper()
	rid, _ := p.expect(wanted)
	p.send("OK rid="+rid+more, "")
}

// barrier returns when everything sent so far has been looked at.
func (p *peer) barrier() {
	p.Helper()
	p.send("PING barrier", "")
	p.expect("PONG barrier")
}

// connect returns a client and its connection.
func (b *broker) connect(options sluice.Options,
	info string) (*sluice.Client, *peer) {
	b.Helper()
	options.Server = b.listener.Addr().String()
	options.OnEvent = func(event sluice.Event) { b.events <- event }
	var client *sluice.Client
	made := b.soon(func() (err error) {
		client, err = sluice.Connect(context.Background(), &options)
		return err
	})
	p := b.peer().open(info)
	b.must(<-made)
	b.Cleanup(func() {
		b.listener.Close()
		p.Close()
		client.Close()
	})
	return client, p
}

// soon runs beside the test.
func (b *broker) soon(do func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return done
}

func (b *broker) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *broker) subscribe(client *sluice.Client, p *peer, pattern string,
	options *sluice.SubscribeOptions, wanted,
	more string) *sluice.Subscription {
	b.Helper()
	var s *sluice.Subscription
	done := b.soon(func() (err error) {
		s, err = client.Subscribe(context.Background(), pattern, options)
		return err
	})
	p.answer(wanted, more)
	b.must(<-done)
	return s
}

func (b *broker) next(s *sluice.Subscription) sluice.Item {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	item, err := s.Next(ctx)
	b.must(err)
	return item
}

func (b *broker) message(s *sluice.Subscription) *sluice.Message {
	b.Helper()
	message, is := b.next(s).(*sluice.Message)
	if !is {
		b.Fatal("no message")
	}
	return message
}

const subJobs = "SUB /queue/jobs ack=yes credit=1"

func TestWorkAcknowledgesWhatSucceedsAndReturnsTheRest(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	worked := b.soon(func() error {
		return client.Work(ctx, "/queue/jobs", nil,
			func(job *sluice.Message) error {
				switch string(job.Body) {
				case "bad":
					return errors.New("disk full")
				case "own":
					return job.Nak(5*time.Second, "")
				}
				return nil
			})
	})
	p.answer(subJobs, "")
	p.send("MSG /queue/jobs 1", "good")
	p.expect("ACK /queue/jobs 1")
	p.send("MSG /queue/jobs 2", "bad")
	if _, why := p.expect("NAK /queue/jobs 2 delay=1000ms"); why != "disk full" {
		t.Fatal(why)
	}
	p.send("MSG /queue/jobs 3", "own")
	p.expect("NAK /queue/jobs 3 delay=5000ms")
	p.barrier()
	stop()
	p.answer("UNSUB /queue/jobs", "")
	if err := <-worked; err != context.Canceled {
		t.Fatal(err)
	}
}

func TestMessagesCloseTheirChannelAtTheEnd(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	s := b.subscribe(client, p, "/t", nil, "SUB /t", " seq=0")
	messages := s.Messages()
	p.send("MSG /t 1", "x")
	p.send("MSG /t 2", "never taken")
	if message := <-messages; message.Seq != 1 {
		t.Fatal(message)
	}
	p.barrier()
	closed := b.soon(s.Close)
	p.answer("UNSUB /t", " seq=2")
	b.must(<-closed)
	for range messages {
		// At most the one that was on its way.
	}
	b.must(s.Err())
	if s.Seq() != 2 {
		t.Fatal(s.Seq())
	}
}

func TestDeliveriesEndWithTheirConnection(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	sub := "SUB /queue/jobs ack=yes credit=9 wait=30000ms"
	s := b.subscribe(client, p, "/queue/jobs", &sluice.SubscribeOptions{
		Credit: 9, Wait: 30 * time.Second}, sub, "")
	p.send("MSG /queue/jobs 1", "x")
	p.send("MSG /queue/jobs 2", "x")
	old := b.message(s)
	p.Close()
	p = b.peer().open(info)
	p.answer(sub, "")
	p.send("MSG /queue/jobs 1 try=2", "again")
	if again := b.message(s); string(again.Body) != "again" {
		t.Fatal(again)
	}
	b.must(old.Ack()) // nothing is sent
	err := old.AckConfirm(context.Background())
	if !errors.Is(err, sluice.ErrGone) {
		t.Fatal(err)
	}
	p.barrier()
}

func TestMessagesOfATopicWithoutRoomAreCounted(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{Buffer: 3000}, info)
	s := b.subscribe(client, p, "/t", &sluice.SubscribeOptions{Gaps: true},
		"SUB /t", " seq=0")
	for seq := 1; seq <= 20; seq++ {
		p.send("MSG /t "+strconv.Itoa(seq), strings.Repeat("x", 744))
	}
	p.barrier()
	received := uint64(0)
	for s.Waiting() > 1 {
		received = b.message(s).Seq
	}
	gap, is := b.next(s).(*sluice.Gap)
	if !is || gap.First != received+1 || gap.Last != 20 ||
		gap.Why != "client" || s.Lost()+received != 20 {
		t.Fatal(received, s.Lost(), gap)
	}
}

func TestMessagesOfAQueueWithoutRoomWaitInTheSocket(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{Buffer: 3000}, info)
	s := b.subscribe(client, p, "/queue/jobs",
		&sluice.SubscribeOptions{NoAck: true}, "SUB /queue/jobs", "")
	go func() {
		for seq := 1; seq <= 2000; seq++ {
			p.send("MSG /queue/jobs "+strconv.Itoa(seq),
				strings.Repeat("x", 2000))
		}
	}()
	for seq := uint64(1); seq <= 2000; seq++ {
		if message := b.message(s); message.Seq != seq {
			t.Fatal(message.Seq, seq)
		}
		if s.Waiting() > 3 {
			t.Fatal(s.Waiting())
		}
	}
}

func TestAnAnswerArrivesAlthoughTheBufferIsFull(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{Buffer: 3000}, info)
	b.subscribe(client, p, "/queue/jobs",
		&sluice.SubscribeOptions{NoAck: true}, "SUB /queue/jobs", "")
	var sent []byte
	var out bytes.Buffer
	for seq := 1; seq <= 100; seq++ {
		for _, frame := range []string{"MSG /queue/jobs " + strconv.Itoa(seq),
			strings.Repeat("x", 2000)} {
			_ = binary.Write(&out, binary.BigEndian, uint32(len(frame)))
			out.WriteString(frame)
		}
	}
	sent = out.Bytes()
	written := b.soon(func() error {
		_, err := p.Write(sent)
		return err
	})
	var receipt sluice.Receipt
	confirmed := b.soon(func() (err error) {
		receipt, err = client.PublishConfirm(context.Background(), "/t", nil)
		return err
	})
	rid, _ := p.expect("PUB /t")
	b.must(<-written)
	p.send("OK rid="+rid+" seq=7 subs=1 drop=0", "")
	b.must(<-confirmed)
	if receipt != (sluice.Receipt{Seq: 7, Subscribers: 1}) {
		t.Fatal(receipt)
	}
}

func TestAReceiptMayWaitForTheDisk(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	pending, err := client.PublishDurable(context.Background(), "/queue/q", nil)
	b.must(err)
	rid, _ := p.expect("PUB /queue/q confirm=sync")
	p.send("OK rid="+rid+" seq=7 subs=0 held=1 sync=1", "")
	receipt, err := pending.Wait(context.Background())
	b.must(err)
	if receipt != (sluice.Receipt{Seq: 7, Waiting: 1, OnDisk: true}) {
		t.Fatal(receipt)
	}
}

func TestWhatWaitsForGoCanBeGivenUp(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	p.send("HOLD /t", "")
	p.barrier()
	ctx, stop := context.WithCancel(context.Background())
	given := b.soon(func() error {
		return client.Publish(ctx, "/t", []byte("given up"))
	})
	stop()
	if err := <-given; err != context.Canceled {
		t.Fatal(err)
	}
	kept := b.soon(func() error {
		return client.Publish(context.Background(), "/t", []byte("kept"))
	})
	p.send("GO /t", "")
	if _, body := p.expect("PUB /t"); body != "kept" {
		t.Fatal(body)
	}
	b.must(<-kept)
}

func TestASubscriptionThatIsGivenUpIsGivenBack(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	ctx, stop := context.WithCancel(context.Background())
	done := b.soon(func() error {
		_, err := client.Subscribe(ctx, "/t", nil)
		return err
	})
	rid, _ := p.expect("SUB /t")
	stop()
	if err := <-done; err != context.Canceled {
		t.Fatal(err)
	}
	p.send("OK rid="+rid+" seq=0", "")
	p.answer("UNSUB /t", " seq=0")
}

func TestARefusalForGoodEndsEverything(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	s := b.subscribe(client, p, "/t", nil, "SUB /t", " seq=0")
	p.Close()
	p = b.peer()
	p.frame()
	p.frame()
	p.send("ERR auth", "no longer")
	p.send("BYE", "")
	auth := &sluice.Refused{Code: "auth"}
	if _, err := s.Next(context.Background()); !errors.Is(err, auth) {
		t.Fatal(err)
	}
	err := client.Publish(context.Background(), "/t", nil)
	if !errors.Is(err, auth) {
		t.Fatal(err)
	}
}

func TestASecretIsPrintedInNoFormat(t *testing.T) {
	const secret = "sl_canary"
	options := sluice.Options{Secret: sluice.Secret(secret)}
	client, _ := listen(t).connect(options, info)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed := fmt.Sprintf(verb, options) + fmt.Sprintf(verb, &options) +
			fmt.Sprintf(verb, options.Secret) + fmt.Sprintf(verb, client)
		for _, spelled := range []string{secret,
			fmt.Sprintf("%x", []byte(secret)),
			strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"),
			strings.Trim(fmt.Sprintf("%#v", []byte(secret)), "[]byte{}")} {
			if strings.Contains(printed, spelled) {
				t.Errorf("%s: %s", verb, printed)
			}
		}
	}
}

func TestABrokerThatIsSilentIsLeft(t *testing.T) {
	b := listen(t)
	_, p := b.connect(sluice.Options{},
		strings.Replace(info, "30s", "100ms", 1))
	p.expect("PING")
	b.peer() // it comes again
}

func TestABrokerThatEndsEveryConnectionIsNotFlooded(t *testing.T) {
	b := listen(t)
	_, p := b.connect(sluice.Options{}, info)
	for pause := 25 * time.Millisecond; pause <= 200*time.Millisecond; pause *= 2 {
		ended := time.Now()
		p.Close()
		p = b.peer().open(info)
		if time.Since(ended) < pause {
			t.Fatal(time.Since(ended), pause)
		}
	}
}

func TestGarbageEndsTheConnectionAndNotTheProgram(t *testing.T) {
	b := listen(t)
	_, p := b.connect(sluice.Options{}, info)
	for _, garbage := range []string{"\x00\x00\x00\x02\xff\xfe\x00\x00\x00\x00",
		"HTTP/1.1 200 OK", "\x00\x00\x00\x06MSG /t\x00\x00\x00\x00",
		"\x00\x00\x00\x08MSG /t 1\xff\xff\xff\xff"} {
		_, _ = p.Write([]byte(garbage))
		p = b.peer().open(info)
	}
}

func TestALimitThatGrowsHoldsAtOnce(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{},
		strings.Replace(info, "1000000", "100", 1))
	s := b.subscribe(client, p, "/t", nil, "SUB /t", " seq=0")
	p.send(info, "")
	p.send("MSG /t 1", strings.Repeat("x", 10000))
	if message := b.message(s); len(message.Body) != 10000 {
		t.Fatal(len(message.Body))
	}
}

func TestMalformedArgumentsAreRefusedLocally(t *testing.T) {
	b := listen(t)
	client, p := b.connect(sluice.Options{}, info)
	ctx := context.Background()
	for _, pattern := range []string{"/a*", "/**/a", "@x", "", "/%2F", "/%4",
		strings.Repeat("x", 256)} {
		_, err := client.Subscribe(ctx, pattern, nil)
		if !errors.Is(err, &sluice.Refused{Code: "bad-channel"}) {
			t.Fatal(pattern, err)
		}
	}
	for _, channel := range []string{"", strings.Repeat("x", 256)} {
		if client.Publish(ctx, channel, nil) == nil {
			t.Fatal(channel)
		}
	}
	many := make([]sluice.Header, 33)
	for i := range many {
		many[i] = sluice.Header{Name: "A", Value: "x"}
	}
	for _, headers := range [][]sluice.Header{{{Name: "a"}}, {{Name: "A B"}},
		{{Name: "A", Value: strings.Repeat("x", 3800)}}, many} {
		if client.Publish(ctx, "/t", nil, headers...) == nil {
			t.Fatal(headers)
		}
	}
	for _, options := range []sluice.SubscribeOptions{{Credit: 5},
		{Wait: time.Second}} {
		if _, err := client.Subscribe(ctx, "/t", &options); err == nil {
			t.Fatal(options)
		}
	}
	s := b.subscribe(client, p, "/t", nil, "SUB /t", " seq=0")
	if s.Credit(ctx, 5) == nil {
		t.Fatal("a topic has no credit")
	}
	p.barrier()
}

func TestABrokerOfVersion1IsNamedAsSuch(t *testing.T) {
	b := listen(t)
	done := b.soon(func() error {
		_, err := sluice.Connect(context.Background(), &sluice.Options{
			Server: b.listener.Addr().String()})
		return err
	})
	b.peer().Close()
	err := <-done
	if !errors.Is(err, sluice.ErrClosed) ||
		!strings.Contains(err.Error(), "version 2") {
		t.Fatal(err)
	}
}
