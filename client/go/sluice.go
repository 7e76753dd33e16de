// SPDX-License-Identifier: MIT

// Package sluice is a client for the sluice message broker, wire protocol
// version 2.
//
//	broker, err := sluice.Connect(ctx, nil)
//	...
//	defer broker.Close()
//	err = broker.Work(ctx, "/queue/jobs", nil, func(job *sluice.Message) error {
//		return resize(job.Body)
//	})
//
// One file, standard library only. Names of channels are any octets. All
// methods may be called from any goroutine.
package sluice

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Version of this package.
const Version = "0.1.0"

const (
	defaultServer = "127.0.0.1:25000"
	nameMax       = 255       // octets of a channel
	headMax       = 4096      // octets of a head
	routedMax     = 3800      // octets of channel and headers together
	pairsMax      = 32        // options and headers of a head
	channelsMax   = 16384     // whose numbers are followed
	reasonMax     = 512       // octets of the reason for a Nak
	outMax        = 256 << 10 // unwritten octets at which publishing waits
	itemCost      = 256       // octets that an item counts beside its body
	bodyStep      = 1 << 20   // longer bodies get memory as they arrive

	pauseFirst = 50 * time.Millisecond
	pauseLast  = 5 * time.Second
	openWithin = 10 * time.Second // for the broker to answer the opening
	leaveAfter = 5 * time.Second  // for an orderly end
)

// Refused is the error of a call that the broker refused and that had no
// effect. Compare it by its code:
//
//	errors.Is(err, sluice.ErrNoResponder)
type Refused struct{ Code, Text string }

func (r *Refused) Error() string {
	if r.Text == "" {
		return "sluice: " + r.Code
	}
	return "sluice: " + r.Code + ": " + r.Text
}

// Is compares the codes.
func (r *Refused) Is(target error) bool {
	other, is := target.(*Refused)
	return is && other.Code == r.Code
}

// Errors to compare with, by errors.Is.
var (
	// No subscriber can answer the request.
	ErrNoResponder = &Refused{Code: "no-responder"}
	// The request was not answered in time.
	ErrTimeout = &Refused{Code: "timeout"}
	// The delivery, request or subscription is not, or no longer, ours.
	ErrGone = &Refused{Code: "gone"}
	// The body exceeds the broker's limit; nothing was sent.
	ErrTooBig = &Refused{Code: "too-big"}

	// The client is closed, or lost its connection and does not reconnect.
	// The next two are such errors, too.
	ErrClosed = errors.New("sluice: closed")
	// The broker said goodbye before it answered: the call had no effect.
	ErrNotExecuted = fmt.Errorf("%w before it was executed", ErrClosed)
	// The connection broke before the answer: the call may have had its
	// effect.
	ErrOutcomeUnknown = fmt.Errorf("%w before the answer", ErrClosed)
	// TLS: the broker could not prove who it is. It is not tried again.
	ErrUntrusted = errors.New("sluice: the broker is not accepted")
)

var errOnlyQueues = errors.New("sluice: Credit and Wait are for queues with" +
	" acknowledgements")

// After these the client does not try again.
var hopeless = map[string]bool{"auth": true, "bad-head": true,
	"bad-option": true, "denied": true, "version": true}

// Header goes with a message. Names begin with a capital letter.
type Header struct{ Name, Value string }

func headerOf(headers []Header, name string) string {
	for _, header := range headers {
		if header.Name == name {
			return header.Value
		}
	}
	return ""
}

// Receipt is the destination of a message.
type Receipt struct {
	Seq         uint64 // its number; 0 if nothing was subscribed
	Subscribers int    // connections or consumers
	Dropped     int    // subscribers that were too slow for it
	Waiting     int    // in a queue: its place, 1 is the next
	OnDisk      bool   // of PublishDurable, if the queue is durable
}

// Reply is the answer to a request.
type Reply struct {
	Body    []byte
	Headers []Header
}

// Header returns the first header of that name, or "".
func (r *Reply) Header(name string) string { return headerOf(r.Headers, name) }

// Item is what a Subscription yields: *Message, *Gap or *Missed.
type Item interface{ bodySize() int }

// Gap says that messages First to Last of a channel will not be delivered.
type Gap struct {
	Channel     string
	First, Last uint64
	Why         string // "slow", "memory", ...; "client": no room here
	IsNew       bool
}

// Count is the number of messages lost.
func (g *Gap) Count() uint64 { return g.Last - g.First + 1 }
func (g *Gap) bodySize() int { return 0 }

// Missed says that without a connection at most Count messages were missed, or
// an unknown number, because the broker was restarted.
type Missed struct {
	Channel string
	Count   uint64
	IsKnown bool
}

func (m *Missed) bodySize() int { return 0 }

// Message is a message, and what can be done about it.
type Message struct {
	Channel string
	Seq     uint64
	Body    []byte
	Headers []Header
	Tries   int  // 1 for the first delivery
	IsNew   bool // the first of its channel

	link      *link
	written   string // channel and number, as in heads
	address   string // of the reply, or ""
	isSettled int32
}

func (m *Message) bodySize() int { return len(m.Body) }

// Header returns the first header of that name, or "".
func (m *Message) Header(name string) string {
	return headerOf(m.Headers, name)
}

// WantsReply says whether it is a request.
func (m *Message) WantsReply() bool { return m.address != "" }

// tell sends a unit about a delivery, which belongs to the connection it came
// on: without that, nothing is sent.
func (m *Message) tell(head string, body []byte) error {
	m.link.client.mu.Lock()
	defer m.link.client.mu.Unlock()
	if m.link.isLost {
		return nil
	}
	return m.link.write(head, body)
}

func (m *Message) confirm(ctx context.Context, head string,
	body []byte) error {
	client := m.link.client
	client.mu.Lock()
	if m.link.isLost {
		client.mu.Unlock()
		return &Refused{"gone", "its connection has ended"}
	}
	answers, err := m.link.ask(head, body)
	client.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = answers.wait(ctx)
	return err
}

// Ack says that the message is done. It does not wait for the broker.
func (m *Message) Ack() error {
	atomic.StoreInt32(&m.isSettled, 1)
	return m.tell("ACK "+m.written, nil)
}

// AckConfirm is Ack, and waits for the broker's answer: ErrGone if the message
// was no longer ours.
func (m *Message) AckConfirm(ctx context.Context) error {
	atomic.StoreInt32(&m.isSettled, 1)
	return m.confirm(ctx, "ACK "+m.written, nil)
}

func (m *Message) nak(delay time.Duration, reason string) (string, []byte) {
	atomic.StoreInt32(&m.isSettled, 1)
	if len(reason) > reasonMax {
		reason = reason[:reasonMax]
	}
	return "NAK " + m.written + " delay=" + spellDuration(delay),
		[]byte(reason)
}

// Nak returns the message to its queue, to be delivered again after a delay.
func (m *Message) Nak(delay time.Duration, reason string) error {
	return m.tell(m.nak(delay, reason))
}

// NakConfirm is Nak, and waits for the broker's answer.
func (m *Message) NakConfirm(ctx context.Context, delay time.Duration,
	reason string) error {
	head, body := m.nak(delay, reason)
	return m.confirm(ctx, head, body)
}

// Touch restarts the Wait clock of the delivery.
func (m *Message) Touch() error { return m.tell("TOUCH "+m.written, nil) }

// TouchConfirm is Touch, and waits for the broker's answer.
func (m *Message) TouchConfirm(ctx context.Context) error {
	return m.confirm(ctx, "TOUCH "+m.written, nil)
}

func (m *Message) reply(headers []Header) (string, error) {
	if m.address == "" {
		return "", errors.New("sluice: the message is no request")
	}
	return routed("PUB", m.address, headers)
}

// Reply answers a request. The first reply counts.
func (m *Message) Reply(body []byte, headers ...Header) error {
	head, err := m.reply(headers)
	if err != nil {
		return err
	}
	return m.tell(head, body)
}

// ReplyConfirm is Reply, and waits for the broker's answer: ErrGone if the
// request was over.
func (m *Message) ReplyConfirm(ctx context.Context, body []byte,
	headers ...Header) error {
	head, err := m.reply(headers)
	if err != nil {
		return err
	}
	return m.confirm(ctx, head, body)
}

// Event is what Options.OnEvent is called with: one of the types below.
type Event interface{ isEvent() }

type (
	// Connected: a connection begins. Info has the broker's limits.
	Connected struct {
		Info      map[string]string
		IsSameRun bool // it was not restarted since the last time
	}
	// Disconnected: a connection ends.
	Disconnected struct{ IsOrderly bool }
	// Draining: the broker is about to stop.
	Draining struct{}
	// Held: Publish to this channel waits until Released.
	Held struct{ Channel string }
	// Released: the broker accepts messages for this channel again.
	Released struct{ Channel string }
	// NumbersBroken: a hole in the numbers of a topic that the broker did
	// not report, or a number twice.
	NumbersBroken struct {
		Channel       string
		Expected, Got uint64
	}
	// Failure: an error that no call waits for, such as the refusal of a
	// Publish.
	Failure struct{ Err *Refused }
)

func (Connected) isEvent()     {}
func (Disconnected) isEvent()  {}
func (Draining) isEvent()      {}
func (Held) isEvent()          {}
func (Released) isEvent()      {}
func (NumbersBroken) isEvent() {}
func (Failure) isEvent()       {}

// Names and values as they are written in heads.

func spell(octets, special string) string {
	var b strings.Builder
	for i := 0; i < len(octets); i++ {
		c := octets[i]
		if c > 0x20 && c < 0x7f && strings.IndexByte(special, c) < 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unspell leaves a "%" that is not followed by two digits as it is.
func unspell(text string) string {
	if strings.IndexByte(text, '%') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			octet, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err == nil {
				b.WriteByte(byte(octet))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func spellChannel(name string) (string, error) {
	if len(name) < 1 || len(name) > nameMax {
		return "", fmt.Errorf("sluice: a channel has 1 to %d octets", nameMax)
	}
	text := spell(name, "%=*")
	if text[0] == '@' {
		text = "%40" + text[1:]
	}
	return text, nil
}

// Exact returns the pattern that matches this channel only, whatever
// characters its name has; "" if it is too long.
func Exact(channel string) string {
	text, _ := spellChannel(channel)
	return text
}

func spellDuration(d time.Duration) string {
	ms := d.Milliseconds()
	if ms < 0 {
		ms = 0
	} else if ms > 999999999 {
		ms = 999999999
	}
	return strconv.FormatInt(ms, 10) + "ms"
}

// durationOf reads what the broker writes; 0 if it is malformed.
func durationOf(text string) time.Duration {
	text = strings.TrimSpace(text)
	if days := strings.TrimSuffix(text, "d"); days != text {
		n, _ := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour
	}
	d, _ := time.ParseDuration(text)
	return d
}

// worldOf says whether a name is one of a topic, a queue, or the broker's own:
// a pattern matches within one of these.
func worldOf(name string) string {
	if strings.HasPrefix(name, "/queue") {
		return "queue"
	}
	if name == "/sys" || strings.HasPrefix(name, "/sys/") {
		return "sys"
	}
	return "topic"
}

// pattern is a set of channels. Wildcards are "*", one segment, and "**" as the
// last segment, any number of segments.
type pattern struct {
	written, name, world string
	parts                []string // spelled, so "*" is a wildcard
	isExact, takesRest   bool
}

var badEscape = regexp.MustCompile(`%(?:$|.$|[^0-9A-Fa-f]|.[^0-9A-Fa-f])`)

func parsePattern(text string) (*pattern, error) {
	p := &pattern{}
	var b strings.Builder
	for i := 0; i < len(text); i++ { // "%XX" is left as it is
		if c := text[i]; c > 0x20 && c < 0x7f && c != '=' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	p.written = b.String()
	p.name = unspell(p.written)
	p.world = worldOf(p.name)
	p.isExact = strings.IndexByte(p.written, '*') < 0
	p.parts = strings.Split(p.written, "/")
	last := len(p.parts) - 1
	isGood := len(p.name) >= 1 && len(p.name) <= nameMax &&
		p.written[0] != '@' && !badEscape.MatchString(p.written) &&
		!strings.Contains(strings.ToUpper(p.written), "%2F")
	for i, part := range p.parts { // by the rules of the broker
		isWild := part == "*" || part == "**" && i == last
		isGood = isGood && (isWild || strings.IndexByte(part, '*') < 0)
	}
	if !isGood {
		return nil, &Refused{"bad-channel", p.written + " is not a pattern"}
	}
	if p.parts[last] == "**" {
		p.takesRest, p.parts = true, p.parts[:last]
	}
	for i, part := range p.parts {
		if part != "*" {
			p.parts[i] = "=" + unspell(part)
		}
	}
	return p, nil
}

func (p *pattern) matches(channel string) bool {
	if p.isExact {
		return channel == p.name
	}
	if worldOf(channel) != p.world {
		return false
	}
	theirs := strings.Split(channel, "/")
	if p.takesRest && len(theirs) > len(p.parts) {
		theirs = theirs[:len(p.parts)]
	}
	if len(theirs) != len(p.parts) {
		return false
	}
	for i, part := range p.parts {
		if part != "*" && part[1:] != theirs[i] {
			return false
		}
	}
	return true
}

var headerName = regexp.MustCompile(`^[A-Z][A-Za-z0-9._-]{0,63}$`)

// routed is the head of what goes to a channel.
func routed(verb, channel string, headers []Header) (string, error) {
	text := channel
	for _, h := range headers {
		if !headerName.MatchString(h.Name) {
			return "", fmt.Errorf("sluice: %q is no name of a header: a capital,"+
				" then up to 63 letters, digits, '-', '.' or '_'", h.Name)
		}
		text += " " + h.Name + "=" + spell(h.Value, "%")
	}
	if len(headers) >= pairsMax || len(text) > routedMax {
		return "", errors.New("sluice: too many headers, or too long")
	}
	return verb + " " + text, nil
}

// Units.

var errGarbage = errors.New("sluice: the peer is not a broker")

// head is a head taken apart. Values of options are still spelled.
type head struct {
	verb      string
	arguments []string
	options   map[string]string
	headers   []Header
}

func parseHead(octets []byte) (*head, error) {
	for _, c := range octets {
		if c < 0x20 || c > 0x7e {
			return nil, errGarbage
		}
	}
	words := strings.Split(string(octets), " ")
	h := &head{verb: words[0], options: map[string]string{}}
	for _, word := range words[1:] {
		name, value, isPair := strings.Cut(word, "=")
		if !isPair {
			h.arguments = append(h.arguments, word)
		} else if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			h.headers = append(h.headers, Header{name, unspell(value)})
		} else if _, isThere := h.options[name]; !isThere {
			h.options[name] = value // of equal names the first counts
		}
	}
	return h, nil
}

func (h *head) argument(i int) string {
	if i < len(h.arguments) {
		return h.arguments[i]
	}
	return ""
}

func (h *head) channel() string { return unspell(h.argument(0)) }

func (h *head) has(option string) bool {
	_, is := h.options[option]
	return is
}

// number is that of an option; 0 without it.
func (h *head) number(option string) uint64 {
	n, _ := strconv.ParseUint(h.options[option], 10, 63)
	return n
}

// Subscription is the messages of a pattern. It survives the loss of the
// connection: the client reconnects and subscribes again.
type Subscription struct {
	client  *Client
	pattern *pattern
	options map[string]string
	order   []string // of the options
	gaps    bool
	ready   chan struct{} // something may have come

	// Guarded by the client's mutex.
	items    []Item
	octets   int             // of bodies that wait
	dropping map[string]*Gap // gaps of our own, still open
	base     uint64          // earlier numbers are not for it
	seq      uint64
	lost     uint64
	isOver   bool
	err      error
	messages chan *Message
}

// Pattern returns the pattern, as it is written in heads.
func (s *Subscription) Pattern() string { return s.pattern.written }

func (s *Subscription) acks() bool    { return s.options["ack"] == "yes" }
func (s *Subscription) isQueue() bool { return s.pattern.world == "queue" }

// isNumbered says whether its numbers begin with that of the answer to SUB.
func (s *Subscription) isNumbered() bool {
	return s.pattern.isExact && !s.isQueue()
}

func (s *Subscription) isFull() bool {
	return s.octets+itemCost*len(s.items) > s.client.options.Buffer
}

// Seq returns, for a topic by its exact name, the number of its last message
// when the subscription began and, after Close, when it ended; else 0. The
// difference is the number of messages received plus Lost.
func (s *Subscription) Seq() uint64 {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.seq
}

// Lost returns the number of messages reported as lost.
func (s *Subscription) Lost() uint64 {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.lost
}

// Waiting returns the number of items that have come and were not taken yet.
func (s *Subscription) Waiting() int {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return len(s.items)
}

// Next waits for the next item. After the end of the subscription or the client
// it returns io.EOF, or the error that ended it.
func (s *Subscription) Next(ctx context.Context) (Item, error) {
	for {
		if item, err := s.take(); item != nil || err != nil {
			return item, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Subscription) take() (Item, error) {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if len(s.items) == 0 {
		if !s.isOver {
			return nil, nil
		}
		s.wake() // the next caller, too
		return nil, s.err
	}
	item := s.items[0]
	s.items[0] = nil
	s.items = s.items[1:]
	s.octets -= item.bodySize()
	if gap, is := item.(*Gap); is {
		delete(s.dropping, gap.Channel)
	}
	if len(s.items) > 0 || s.isOver {
		s.wake()
	}
	if s.isQueue() && !s.acks() {
		s.client.change() // the reader may have waited for room
	}
	return item, nil
}

// Messages returns a channel of the messages, without gaps, which is closed at
// the end of the subscription. Use it or Next, not both.
func (s *Subscription) Messages() <-chan *Message {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if s.messages == nil {
		s.messages = make(chan *Message)
		go s.forward(s.messages)
	}
	return s.messages
}

func (s *Subscription) forward(messages chan<- *Message) {
	defer close(messages)
	for {
		item, err := s.Next(context.Background())
		if err != nil {
			return
		}
		message, is := item.(*Message)
		if is && !s.give(message, messages) {
			return
		}
	}
}

// give returns false if the subscription has ended before somebody took it.
func (s *Subscription) give(message *Message, messages chan<- *Message) bool {
	for {
		s.client.mu.Lock()
		changed, isOver := s.client.changed, s.isOver
		s.client.mu.Unlock()
		if isOver {
			return false
		}
		select {
		case messages <- message:
			return true
		case <-changed:
		}
	}
}

// Err returns the error that ended the subscription; nil if it was not one.
func (s *Subscription) Err() error {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// Credit sets how many messages may be unacknowledged; 0 pauses.
func (s *Subscription) Credit(ctx context.Context, messages int) error {
	if !s.acks() {
		return errOnlyQueues
	}
	s.client.mu.Lock()
	s.options["credit"] = strconv.Itoa(messages)
	s.client.mu.Unlock()
	_, err := s.client.ask(ctx, fmt.Sprintf("CREDIT %s %d", s.Pattern(),
		messages), nil)
	return err
}

// Close ends it. Messages that are not acknowledged return to their queue.
func (s *Subscription) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveAfter)
	defer cancel()
	return s.client.unsubscribe(ctx, s)
}

// What follows is called with the client's mutex locked.

func (s *Subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *Subscription) put(item Item) {
	s.items = append(s.items, item)
	s.octets += item.bodySize()
	s.wake()
}

func (s *Subscription) putGap(gap *Gap) {
	s.lost += gap.Count()
	if s.gaps {
		s.put(gap)
	}
}

// putMessage drops a message of a topic that finds no room and reports it as a
// gap, as the broker does. A message of a queue is always kept.
func (s *Subscription) putMessage(message *Message) {
	if s.isFull() && !s.isQueue() {
		s.drop(message)
		return
	}
	delete(s.dropping, message.Channel)
	s.put(message)
}

func (s *Subscription) drop(message *Message) {
	gap := s.dropping[message.Channel]
	if gap != nil && gap.Last+1 == message.Seq {
		gap.Last++
		s.lost++
		return
	}
	if !s.gaps || len(s.dropping) >= channelsMax {
		s.lost++
		return
	}
	gap = &Gap{message.Channel, message.Seq, message.Seq, "client",
		message.IsNew}
	s.dropping[message.Channel] = gap
	s.putGap(gap)
}

// forgetDeliveries: those of a lost connection are not ours any more.
func (s *Subscription) forgetDeliveries() {
	if !s.acks() {
		return
	}
	var kept []Item
	for _, item := range s.items {
		if _, is := item.(*Message); !is {
			kept = append(kept, item)
		}
	}
	s.items, s.octets = kept, 0
}

// end: err is nil when that was wanted.
func (s *Subscription) end(err error) {
	if s.isOver {
		return
	}
	if err == nil {
		err = io.EOF
	}
	s.isOver, s.err = true, err
	s.wake()
	s.client.change()
}

// One connection.

type answer struct {
	head *head
	body []byte
	err  error
}

// answers gets one answer.
type answers chan answer

func (a answers) wait(ctx context.Context) (answer, error) {
	select {
	case answer := <-a:
		return answer, answer.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// link passes what it receives to the client in the order of the units. Two
// goroutines belong to it: one reads, the other one writes what others append to
// out. Its fields are guarded by the client's mutex.
type link struct {
	client *Client
	conn   net.Conn
	heard  int64 // when octets came last, in nanoseconds; atomic

	out     []byte        // not yet written
	writing chan struct{} // out is not empty, or the link is lost

	calls   map[string]func(answer) // by rid; called with the mutex locked
	lastID  uint64
	held    map[string]bool   // channels between HOLD and GO
	numbers map[string]uint64 // the last one of each topic
	info    map[string]string // nil before INFO
	max     uint64            // octets of a body, of the broker
	limit   uint64            // octets of a body that may come
	saidBye bool
	isLost  bool
	refused error         // of the opening
	failed  error         // why reading ended
	opened  chan struct{} // closed by INFO
	ended   chan struct{} // closed at the end
}

func (c *Client) newLink(conn net.Conn) *link {
	l := &link{client: c, conn: conn, heard: time.Now().UnixNano(),
		writing: make(chan struct{}, 1), calls: map[string]func(answer){},
		held: map[string]bool{}, numbers: map[string]uint64{},
		limit: headMax, opened: make(chan struct{}),
		ended: make(chan struct{})}
	go l.writeAll()
	go l.readAll()
	return l
}

// Read notes that the broker is alive.
func (l *link) Read(octets []byte) (int, error) {
	n, err := l.conn.Read(octets)
	atomic.StoreInt64(&l.heard, time.Now().UnixNano())
	return n, err
}

func (l *link) writeAll() {
	for range l.writing {
		l.client.mu.Lock()
		out := l.out
		l.out = nil
		isLost := l.isLost
		l.client.change()
		l.client.mu.Unlock()
		if isLost {
			return
		}
		// When it fails, what the broker has said before can still be read;
		// the end of that is the end of the connection.
		_, _ = l.conn.Write(out)
	}
}

func (l *link) wakeWriter() {
	select {
	case l.writing <- struct{}{}:
	default:
	}
}

// write appends a unit to what is to be written; mutex locked.
func (l *link) write(head string, body []byte) error {
	if l.info != nil && uint64(len(body)) > l.max {
		return &Refused{"too-big", fmt.Sprintf(
			"%d octets exceed the broker's limit, %d", len(body), l.max)}
	}
	if len(head) > headMax {
		return errors.New("sluice: too much for a head")
	}
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(head)))
	l.out = append(append(l.out, length[:]...), head...)
	binary.BigEndian.PutUint32(length[:], uint32(len(body)))
	l.out = append(append(l.out, length[:]...), body...)
	l.wakeWriter()
	return nil
}

// call writes a unit; done gets its answer before the next unit is looked at;
// mutex locked.
func (l *link) call(head string, body []byte, done func(answer)) error {
	l.lastID++
	rid := strconv.FormatUint(l.lastID, 10)
	if err := l.write(head+" rid="+rid, body); err != nil {
		return err
	}
	l.calls[rid] = done
	l.client.change() // reading goes on until the answer has come
	return nil
}

func (l *link) ask(head string, body []byte) (answers, error) {
	result := make(answers, 1)
	return result, l.call(head, body, func(a answer) { result <- a })
}

func readFrame(r io.Reader, limit uint64) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if uint64(n) > limit {
		return nil, errGarbage
	}
	if n <= bodyStep {
		octets := make([]byte, n)
		_, err := io.ReadFull(r, octets)
		return octets, err
	}
	var octets bytes.Buffer // grows as they arrive
	_, err := io.CopyN(&octets, r, int64(n))
	return octets.Bytes(), err
}

func (l *link) readAll() {
	reader := bufio.NewReaderSize(l, 64<<10)
	for l.failed == nil {
		if l.failed = l.readUnit(reader); l.failed == nil {
			l.client.waitForRoom(l)
		}
	}
	l.conn.Close()
	c := l.client
	c.mu.Lock()
	l.lose()
	c.mu.Unlock()
	c.fireEvents()
	close(l.ended)
}

func (l *link) readUnit(reader io.Reader) error {
	octets, err := readFrame(reader, headMax)
	if err != nil {
		return err
	}
	head, err := parseHead(octets)
	if err != nil {
		return err
	}
	body, err := readFrame(reader, l.limit) // only this goroutine sets it
	if err != nil {
		return err
	}
	c := l.client
	c.mu.Lock()
	if take := verbs[head.verb]; take != nil { // unknown ones are ignored
		err = take(l, head, body)
	}
	c.mu.Unlock()
	c.fireEvents()
	return err
}

var verbs map[string]func(*link, *head, []byte) error

func init() { // a literal would be a cycle
	verbs = map[string]func(*link, *head, []byte) error{
		"CHAL": (*link).onChallenge, "INFO": (*link).onInfo, "OK": (*link).onAnswer,
		"REP": (*link).onAnswer, "PONG": (*link).onAnswer,
		"ERR": (*link).onErr, "MSG": (*link).onMsg, "GAP": (*link).onGap,
		"HOLD": (*link).onHold, "GO": (*link).onGo, "PING": (*link).onPing,
		"BYE": (*link).onBye}
}

// onChallenge signs what the broker has drawn, for this connection only.
func (l *link) onChallenge(_ *head, nonce []byte) error {
	c := l.client
	if c.sign == nil || l.info != nil {
		return nil
	}
	text := append([]byte("sluice/2 auth\x00"+c.options.User+"\x00"), nonce...)
	if secured, is := l.conn.(*tls.Conn); is {
		state := secured.ConnectionState()
		binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding",
			nil, 32)
		if err != nil {
			return err
		}
		text = append(text, binding...)
	}
	return l.write("SIG", c.sign(text))
}

func (l *link) onInfo(h *head, _ []byte) error {
	isFirst := l.info == nil
	l.info = h.options
	l.max = h.number("max")
	if l.max > l.limit { // longer bodies may be on their way when it shrinks
		l.limit = l.max
	}
	if isFirst {
		close(l.opened)
		l.client.onOpen(l)
		l.watch()
	} else if h.has("drain") {
		l.client.tell(Draining{})
	}
	return nil
}

func (l *link) answer(h *head, a answer) bool {
	done, is := l.calls[h.options["rid"]]
	if is {
		delete(l.calls, h.options["rid"])
		done(a)
	}
	return is
}

func (l *link) onAnswer(h *head, body []byte) error {
	l.answer(h, answer{head: h, body: body})
	return nil
}

func (l *link) onErr(h *head, body []byte) error {
	refused := &Refused{h.argument(0), string(body)}
	if l.answer(h, answer{err: refused}) {
		return nil
	}
	if l.info == nil {
		l.refused = refused
	} else {
		l.client.tell(Failure{refused})
	}
	return nil
}

func (l *link) onMsg(h *head, body []byte) error {
	seq, err := strconv.ParseUint(h.argument(1), 10, 63)
	if err != nil {
		return errGarbage
	}
	l.client.onMessage(l, h, seq, body)
	return nil
}

func (l *link) onGap(h *head, _ []byte) error {
	first, err := strconv.ParseUint(h.argument(1), 10, 63)
	last, err2 := strconv.ParseUint(h.argument(2), 10, 63)
	if err != nil || err2 != nil || first > last {
		return errGarbage
	}
	l.client.onGap(l, h, first, last)
	return nil
}

func (l *link) onHold(h *head, _ []byte) error {
	l.held[h.channel()] = true
	l.client.tell(Held{h.channel()})
	return nil
}

func (l *link) onGo(h *head, _ []byte) error {
	delete(l.held, h.channel())
	l.client.change()
	l.client.tell(Released{h.channel()})
	return nil
}

func (l *link) onPing(h *head, _ []byte) error {
	head := "PONG"
	if len(h.arguments) > 0 {
		head += " " + h.arguments[0]
	}
	return l.write(head, nil)
}

func (l *link) onBye(*head, []byte) error {
	l.saidBye = true
	return io.EOF
}

// lose: what was not answered was not executed, or that is unknown.
func (l *link) lose() {
	l.isLost = true
	l.wakeWriter()
	err := ErrOutcomeUnknown
	if l.saidBye {
		err = ErrNotExecuted
	}
	for _, done := range l.calls {
		done(answer{err: err})
	}
	l.calls = map[string]func(answer){}
	l.client.onLost(l)
	l.client.change()
}

// watch leaves a broker that has been silent for two periods.
func (l *link) watch() {
	period := durationOf(l.info["ping"])
	if period <= 0 {
		return
	}
	time.AfterFunc(period/2, func() {
		l.client.mu.Lock()
		defer l.client.mu.Unlock()
		if l.isLost {
			return
		}
		heard := time.Unix(0, atomic.LoadInt64(&l.heard))
		silence := time.Since(heard)
		if silence >= 2*period {
			l.conn.Close()
			return
		}
		if silence >= period {
			_ = l.call("PING", nil, func(answer) {})
		}
		l.watch()
	})
}

// The client.

// Secret is not printed, whatever the format.
type Secret []byte

// Format is for package fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(secret)") }

// Options of a client. The zero value of each is a good one.
type Options struct {
	// "host:port", "[v6]:port" or "unix:PATH", or "tls:host:port"; else
	// $SLUICE_SERVER, else 127.0.0.1:25000.
	Server string
	// What differs from the usual configuration; it is copied. Nil: TLS only
	// if the server begins with "tls:", or $SLUICE_TLS is "yes", with the files
	// of $SLUICE_TLS_CA, _CERT and _KEY. ServerName is what the broker must
	// prove to be, if not its host.
	TLS *tls.Config
	// "sha256:..." of the broker's public key: its name and who has signed it
	// count only if ServerName or RootCAs is given.
	TLSPin string
	Name   string        // shown in the broker's monitoring
	Ping   time.Duration // keepalive period; negative turns it off
	User   string        // who this is
	// A password; a token, which says by itself who this is; or a private
	// Ed25519 key in PEM, which is not sent.
	Secret Secret
	// What the secret is: "plain", a password, "token" or "ed25519". Else a
	// password beside a user, and a token without one.
	Mech string
	// Stop at the first loss of the connection.
	NoReconnect bool
	// Retry the first connection, too, instead of returning an error.
	Patient bool
	// Octets of messages that may wait in each subscription; 64 MiB.
	Buffer int
	// Called with Connected, Disconnected, Draining, Held, Released,
	// NumbersBroken and Failure, one after the other. Nothing is read while
	// it runs: it must not wait for the client.
	OnEvent func(Event)
}

// Client is a connection to a broker, and its successors.
type Client struct {
	options          Options
	network, address string
	tls              *tls.Config       // nil: in clear
	tlsVariables     map[string]string // of the environment, when it began
	opening          string
	secret           func() []byte       // a function, so that it is not printed
	sign             func([]byte) []byte // nil: not asked for
	leaving          context.Context     // until Close
	leave            context.CancelFunc
	stayed           chan struct{} // closed when nothing runs any more
	pause            time.Duration // before the next connection

	mu            sync.Mutex
	changed       chan struct{} // closed, and replaced, by change()
	link          *link
	run           string
	subscriptions map[string]*Subscription
	live          map[string]*Subscription   // those that were answered
	readers       map[string][]*Subscription // by channel
	isClosing     bool
	err           error // why nothing is accepted any more
	events        []Event

	firing sync.Mutex
}

// Connect makes a client and its first connection, for which ctx holds.
// options may be nil. The error is one of the network, *Refused, ErrUntrusted, or
// ErrClosed if the peer does not speak version 2.
func Connect(ctx context.Context, options *Options) (*Client, error) {
	c := &Client{changed: make(chan struct{}), stayed: make(chan struct{}),
		tlsVariables: map[string]string{},
		pause:        pauseFirst, subscriptions: map[string]*Subscription{},
		live:    map[string]*Subscription{},
		readers: map[string][]*Subscription{}}
	if options != nil {
		c.options = *options
	}
	if c.options.Buffer <= 0 {
		c.options.Buffer = 64 << 20
	}
	if err := c.setAddress(); err != nil {
		return nil, err
	}
	if err := c.setLogin(); err != nil {
		return nil, err
	}
	c.setOpening()
	c.leaving, c.leave = context.WithCancel(context.Background())
	try := c.try
	if c.options.Patient {
		try = func(ctx context.Context) (*link, error) {
			return c.come(ctx, true)
		}
	}
	link, err := try(ctx)
	if err != nil {
		c.leave()
		return nil, err
	}
	go c.stay(link)
	return c, nil
}

func (c *Client) setAddress() error {
	server := c.options.Server
	if server == "" {
		server = os.Getenv("SLUICE_SERVER")
	}
	if server == "" {
		server = defaultServer
	}
	address := strings.TrimPrefix(server, "tls:")
	c.network, c.address = "tcp", address
	if path := strings.TrimPrefix(address, "unix:"); path != address {
		c.network, c.address = "unix", path
	}
	return c.setTLS(address != server)
}

// setTLS: isAsked is whether the address asks for it.
func (c *Client) setTLS(isAsked bool) error {
	env := c.tlsVariables
	for _, name := range []string{"CA", "CERT", "KEY", "NAME", "PIN"} {
		if _, is := env[name]; !is {
			env[name] = os.Getenv("SLUICE_TLS_" + name)
		}
		isAsked = isAsked || env[name] != ""
	}
	if c.options.TLSPin == "" {
		c.options.TLSPin = env["PIN"]
	}
	word := os.Getenv("SLUICE_TLS")
	if word != "" && word != "yes" && word != "no" {
		return fmt.Errorf("sluice: $SLUICE_TLS: %q is not yes or no", word)
	}
	if !isAsked && c.options.TLS == nil && c.options.TLSPin == "" &&
		word != "yes" {
		return nil
	}
	if c.network == "unix" {
		return errors.New("sluice: TLS is not spoken on a unix socket")
	}
	if c.options.TLS != nil {
		c.tls = c.options.TLS.Clone()
	} else {
		c.tls = &tls.Config{ServerName: env["NAME"]}
		if err := readTLS(c.tls, env); err != nil {
			return err
		}
	}
	if c.tls.InsecureSkipVerify {
		return errors.New("sluice: what the broker shows is always verified")
	}
	return c.completeTLS()
}

// readTLS reads the files that the environment names.
func readTLS(config *tls.Config, env map[string]string) error {
	if env["CA"] != "" {
		pem, err := os.ReadFile(env["CA"])
		if err != nil {
			return err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("sluice: no certificate of a CA in %s", env["CA"])
		}
	}
	if env["CERT"] == "" {
		return nil
	}
	own, err := tls.LoadX509KeyPair(env["CERT"], env["KEY"])
	config.Certificates = []tls.Certificate{own}
	return err
}

// refreshTLS reads files that were renewed, for the next connection; bad ones do
// not take the place of good ones.
func (c *Client) refreshTLS() {
	old := c.tls
	if old != nil && c.options.TLS == nil && c.setTLS(true) != nil {
		c.tls = old
	}
}

func (c *Client) completeTLS() error {
	if c.tls.MinVersion < tls.VersionTLS12 {
		c.tls.MinVersion = tls.VersionTLS12
	}
	if len(c.tls.NextProtos) == 0 {
		c.tls.NextProtos = []string{"sluice"}
	}
	hasName := c.tls.ServerName != ""
	if !hasName {
		host, _, err := net.SplitHostPort(c.address)
		if err != nil {
			return err
		}
		c.tls.ServerName = host
	}
	if c.options.TLSPin == "" {
		return nil
	}
	text := strings.TrimPrefix(c.options.TLSPin, "sha256:")
	pin, err := hex.DecodeString(text)
	if err != nil || len(pin) != sha256.Size || text == c.options.TLSPin {
		return fmt.Errorf("sluice: %q is no pin: sha256: and 64 digits",
			c.options.TLSPin)
	}
	c.tls.InsecureSkipVerify = true // checkPinned does what is left
	roots, name := c.tls.RootCAs, ""
	if hasName {
		name = c.tls.ServerName
	}
	c.tls.VerifyConnection = func(state tls.ConnectionState) error {
		return checkPinned(state.PeerCertificates, pin, roots, name)
	}
	return nil
}

// checkPinned: roots may be nil, and name empty; what is given must hold, too.
func checkPinned(chain []*x509.Certificate, pin []byte, roots *x509.CertPool,
	name string) error {
	shown := chain[0]
	key, all := sha256.Sum256(shown.RawSubjectPublicKeyInfo), sha256.Sum256(shown.Raw)
	if subtle.ConstantTimeCompare(key[:], pin) != 1 &&
		subtle.ConstantTimeCompare(all[:], pin) != 1 {
		return errors.New("its certificate does not have the pinned key")
	}
	if now := time.Now(); now.Before(shown.NotBefore) ||
		now.After(shown.NotAfter) {
		return errors.New("its certificate has expired, or is not valid yet")
	}
	if name != "" {
		if err := shown.VerifyHostname(name); err != nil {
			return err
		}
	}
	if roots == nil {
		return nil
	}
	between := x509.NewCertPool()
	for _, one := range chain[1:] {
		between.AddCert(one)
	}
	_, err := shown.Verify(x509.VerifyOptions{Roots: roots,
		Intermediates: between})
	return err
}

// secure completes a handshake. Whether a connection that was cut meanwhile
// would be accepted the next time is not known; else it would not.
func (c *Client) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	secured := tls.Client(conn, c.tls)
	err := secured.HandshakeContext(ctx)
	if err == nil {
		return secured, nil
	}
	conn.Close()
	if ctx.Err() != nil || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return nil, fmt.Errorf("sluice: no handshake of TLS, does the broker"+
			" speak it? %w", err)
	}
	return nil, fmt.Errorf("%w: %v", ErrUntrusted, err)
}

// setLogin: who this is, and how that is shown.
func (c *Client) setLogin() error {
	o, secret := &c.options, []byte(c.options.Secret)
	o.Secret = nil
	c.secret = func() []byte { return secret }
	if o.Mech == "" && len(secret) > 0 {
		o.Mech = "token"
		if o.User != "" {
			o.Mech = "plain"
		}
	}
	switch {
	case o.Mech == "":
		return nil
	case len(secret) == 0:
		return fmt.Errorf("sluice: Mech %q needs a Secret", o.Mech)
	case o.Mech == "token":
		return nil
	case o.Mech != "plain" && o.Mech != "ed25519":
		return fmt.Errorf("sluice: Mech is plain, token or ed25519, not %q",
			o.Mech)
	case o.User == "":
		return fmt.Errorf("sluice: Mech %q needs a User", o.Mech)
	case o.Mech == "plain":
		return nil
	}
	return c.setKey(secret)
}

// setKey: a key is not sent, it signs what the broker draws.
func (c *Client) setKey(text []byte) error {
	err := errors.New("sluice: the Secret is no private Ed25519 key in PEM")
	block, _ := pem.Decode(text)
	if block == nil {
		return err
	}
	parsed, failed := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, is := parsed.(ed25519.PrivateKey)
	if failed != nil || !is {
		return err
	}
	c.secret = func() []byte { return nil }
	c.sign = func(text []byte) []byte { return ed25519.Sign(key, text) }
	return nil
}

func (c *Client) setOpening() {
	c.opening = "\x00SLUICE/2"
	if c.options.Name != "" {
		c.opening += " name=" + spell(c.options.Name, "%")
	}
	if c.options.User != "" {
		c.opening += " user=" + spell(c.options.User, "%")
	}
	if c.options.Mech != "" {
		c.opening += " mech=" + c.options.Mech
	}
	if c.options.Ping != 0 {
		c.opening += " ping=" + spellDuration(c.options.Ping)
	}
}

// Info returns limits and other properties of the broker.
func (c *Client) Info() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	info := map[string]string{}
	if c.link != nil {
		for name, value := range c.link.info {
			info[name] = value
		}
	}
	return info
}

// try connects once.
func (c *Client) try(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	c.refreshTLS()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, c.network, c.address)
	if err == nil && c.tls != nil {
		conn, err = c.secure(ctx, conn)
	}
	if err != nil {
		return nil, err
	}
	l := c.newLink(conn)
	c.mu.Lock()
	err = l.write(c.opening, c.secret())
	c.mu.Unlock()
	if err != nil {
		conn.Close()
		return nil, err
	}
	select {
	case <-l.opened:
		return l, nil
	case <-ctx.Done():
		conn.Close()
		return nil, ctx.Err()
	case <-l.ended:
	}
	select {
	case <-l.opened: // and ended at once
		return l, nil
	default:
	}
	if l.refused != nil {
		return nil, l.refused
	}
	var op *net.OpError
	if errors.As(l.failed, &op) && op.Op == "remote error" {
		// An alert of TLS, for the certificate that was shown, or was not.
		return nil, fmt.Errorf("%w: %v", ErrUntrusted, l.failed)
	}
	return nil, fmt.Errorf("%w: the broker ended the connection before it"+
		" answered: does it speak version 2?", ErrClosed)
}

// come tries until it succeeds, with growing pauses; they are random, so that
// clients do not come back all at once.
func (c *Client) come(ctx context.Context, isFirst bool) (*link, error) {
	for {
		if !isFirst {
			c.rest(ctx)
		}
		isFirst = false
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		link, err := c.try(ctx)
		if err == nil {
			return link, nil
		}
		var refused *Refused
		if errors.Is(err, ErrUntrusted) ||
			errors.As(err, &refused) && hopeless[refused.Code] {
			return nil, err
		}
	}
}

func (c *Client) rest(ctx context.Context) {
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	pause := c.pause/2 + time.Duration(random.Int63n(int64(c.pause/2)))
	if c.pause *= 2; c.pause > pauseLast {
		c.pause = pauseLast
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

func (c *Client) stay(link *link) {
	defer close(c.stayed)
	err := ErrClosed
	for {
		began := time.Now()
		<-link.ended
		if c.options.NoReconnect || c.leaving.Err() != nil {
			break
		}
		// A broker that accepts and ends connections is not flooded.
		if time.Since(began) > pauseLast {
			c.pause = pauseFirst
		}
		next, refused := c.come(c.leaving, false)
		if refused != nil {
			err = refused
			break
		}
		link = next
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosing {
		c.end(nil)
	} else {
		c.end(err)
	}
}

// end: err is nil when that was wanted.
func (c *Client) end(err error) {
	c.isClosing = true
	c.err = err
	for _, subscription := range c.subscriptions {
		subscription.end(err)
	}
	c.subscriptions = map[string]*Subscription{}
	c.change()
}

// Close leaves in an orderly way: all calls before are executed. Messages that
// are not acknowledged return to their queues.
func (c *Client) Close() error {
	c.mu.Lock()
	l := c.link
	if !c.isClosing {
		c.isClosing = true
		if !l.isLost {
			_ = l.call("BYE", nil, func(answer) {})
		}
		c.change()
	}
	c.mu.Unlock()
	c.leave()
	select {
	case <-l.ended:
	case <-time.After(leaveAfter):
		l.conn.Close()
	}
	<-c.stayed
	return nil
}

// change wakes everybody who waits for a change; mutex locked.
func (c *Client) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) tell(event Event) {
	if c.options.OnEvent != nil {
		c.events = append(c.events, event)
	}
}

// fireEvents calls OnEvent; mutex not locked.
func (c *Client) fireEvents() {
	if c.options.OnEvent == nil {
		return
	}
	c.firing.Lock()
	defer c.firing.Unlock()
	c.mu.Lock()
	events := c.events
	c.events = nil
	c.mu.Unlock()
	for _, event := range events {
		c.options.OnEvent(event)
	}
}

// ready waits until there is a connection with room that does not hold back
// the channel. On success it returns with the mutex locked.
func (c *Client) ready(ctx context.Context, channel string) (*link, error) {
	c.mu.Lock()
	for {
		if c.isClosing {
			err := c.err
			c.mu.Unlock()
			if err == nil {
				err = ErrClosed
			}
			return nil, err
		}
		l := c.link
		if l != nil && !l.isLost && len(l.out) < outMax && !l.held[channel] {
			return l, nil
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.mu.Lock()
	}
}

// waitForRoom: messages of a queue without acknowledgements must not be lost,
// and must not fill the memory: when the buffer is full they wait in the socket.
// But a caller that waits for an answer may be the reader of these messages, so
// reading goes on until it has been answered.
func (c *Client) waitForRoom(l *link) {
	c.mu.Lock()
	for len(l.calls) == 0 && !c.isClosing && c.hasNoRoom() {
		changed := c.changed
		c.mu.Unlock()
		<-changed
		c.mu.Lock()
	}
	c.mu.Unlock()
}

func (c *Client) hasNoRoom() bool {
	for _, s := range c.live {
		if s.isQueue() && !s.acks() && s.isFull() {
			return true
		}
	}
	return false
}

func (c *Client) ask(ctx context.Context, head string,
	body []byte) (answer, error) {
	l, err := c.ready(ctx, "")
	if err != nil {
		return answer{}, err
	}
	result, err := l.ask(head, body)
	c.mu.Unlock()
	if err != nil {
		return answer{}, err
	}
	return result.wait(ctx)
}

// Called by its links, mutex locked.

func (c *Client) onOpen(l *link) {
	if c.isClosing {
		l.conn.Close() // it is too late
	}
	isFirst, isSame := c.run == "", c.run == l.info["run"]
	c.link, c.run = l, l.info["run"]
	c.tell(Connected{copyOf(l.info), isSame})
	for _, s := range c.subscriptions {
		s := s
		known := isSame && !isFirst
		_ = c.submitSub(l, s, &known, func(a answer) {
			var refused *Refused
			if errors.As(a.err, &refused) {
				delete(c.subscriptions, s.Pattern())
				s.end(refused)
				c.tell(Failure{refused})
			}
		})
	}
	c.change()
}

func copyOf(info map[string]string) map[string]string {
	copied := make(map[string]string, len(info))
	for name, value := range info {
		copied[name] = value
	}
	return copied
}

func (c *Client) onLost(l *link) {
	if l != c.link {
		return // it was never open
	}
	for _, s := range c.live {
		s.forgetDeliveries()
		if last, is := l.numbers[s.pattern.name]; is && s.isNumbered() {
			s.base = last
		}
	}
	c.live = map[string]*Subscription{}
	c.readers = map[string][]*Subscription{}
	if !c.isClosing {
		c.tell(Disconnected{l.saidBye})
	}
}

func (c *Client) readersOf(channel string) []*Subscription {
	readers, is := c.readers[channel]
	if is {
		return readers
	}
	if len(c.readers) >= channelsMax {
		c.readers = map[string][]*Subscription{}
	}
	for _, s := range c.live {
		if s.pattern.matches(channel) {
			readers = append(readers, s)
		}
	}
	c.readers[channel] = readers
	return readers
}

// follow checks that the numbers of a topic continue, or start again.
func (c *Client) follow(l *link, h *head, channel string, first, last uint64) {
	if worldOf(channel) == "queue" {
		return
	}
	before, is := l.numbers[channel]
	if !is && len(l.numbers) >= channelsMax {
		for some := range l.numbers {
			delete(l.numbers, some)
			break
		}
	}
	l.numbers[channel] = last
	if is && first != before+1 && !(h.has("new") && first > before) {
		c.tell(NumbersBroken{channel, before + 1, first})
	}
}

func (c *Client) onMessage(l *link, h *head, seq uint64, body []byte) {
	channel := h.channel()
	readers := c.readersOf(channel)
	if len(readers) > 0 {
		c.follow(l, h, channel, seq, seq)
	}
	for _, s := range readers {
		if seq <= s.base {
			continue
		}
		message := &Message{Channel: channel, Seq: seq, Body: body,
			Headers: h.headers, Tries: 1, IsNew: h.has("new"), link: l,
			written: h.arguments[0] + " " + h.arguments[1],
			address: h.options["reply"]}
		if tries := h.number("try"); tries > 0 {
			message.Tries = int(tries)
		}
		s.putMessage(message)
	}
}

func (c *Client) onGap(l *link, h *head, first, last uint64) {
	channel := h.channel()
	readers := c.readersOf(channel)
	if len(readers) > 0 {
		c.follow(l, h, channel, first, last)
	}
	why := h.options["why"]
	if why == "" {
		why = "slow"
	}
	for _, s := range readers {
		from := first
		if from <= s.base {
			from = s.base + 1
		}
		if from <= last {
			s.putGap(&Gap{channel, from, last, why, h.has("new")})
		}
	}
}

// Publish hands a message to the broker. It waits while the broker takes no more
// data, while it holds this channel back, and while there is no connection. It
// does not wait for an answer: a refusal is an event, Failure.
func (c *Client) Publish(ctx context.Context, channel string, body []byte,
	headers ...Header) error {
	head, err := headFor("PUB", channel, headers)
	if err != nil {
		return err
	}
	l, err := c.ready(ctx, channel)
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	return l.write(head, body)
}

func headFor(verb, channel string, headers []Header) (string, error) {
	written, err := spellChannel(channel)
	if err != nil {
		return "", err
	}
	return routed(verb, written, headers)
}

// Pending is a published message whose receipt has not come yet.
type Pending struct{ answers answers }

// Wait returns the receipt, once.
func (p *Pending) Wait(ctx context.Context) (Receipt, error) {
	answer, err := p.answers.wait(ctx)
	if err != nil {
		return Receipt{}, err
	}
	head := answer.head
	return Receipt{head.number("seq"), int(head.number("subs")),
		int(head.number("drop")), int(head.number("held")),
		head.number("sync") == 1}, nil
}

// PublishAsync is Publish with a receipt that is waited for later. Receipts for
// one channel come in the order of publishing.
func (c *Client) PublishAsync(ctx context.Context, channel string,
	body []byte, headers ...Header) (*Pending, error) {
	return c.publishAsync(ctx, channel, body, "", headers)
}

// PublishDurable is PublishAsync with a receipt that comes when the message is
// on disk, if the queue is durable; its OnDisk says whether it is.
func (c *Client) PublishDurable(ctx context.Context, channel string,
	body []byte, headers ...Header) (*Pending, error) {
	return c.publishAsync(ctx, channel, body, " confirm=sync", headers)
}

func (c *Client) publishAsync(ctx context.Context, channel string,
	body []byte, options string, headers []Header) (*Pending, error) {
	head, err := headFor("PUB", channel, headers)
	if err != nil {
		return nil, err
	}
	l, err := c.ready(ctx, channel)
	if err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	result, err := l.ask(head+options, body)
	if err != nil {
		return nil, err
	}
	return &Pending{result}, nil
}

// PublishConfirm is Publish, and waits for the receipt.
func (c *Client) PublishConfirm(ctx context.Context, channel string,
	body []byte, headers ...Header) (Receipt, error) {
	pending, err := c.PublishAsync(ctx, channel, body, headers...)
	if err != nil {
		return Receipt{}, err
	}
	return pending.Wait(ctx)
}

// Request sends a request and returns the first reply: ErrNoResponder if there
// is no subscriber, ErrTimeout if none of them replies within the timeout, at
// most an hour. Zero is 5 seconds.
func (c *Client) Request(ctx context.Context, channel string, body []byte,
	timeout time.Duration, headers ...Header) (*Reply, error) {
	head, err := headFor("REQ", channel, headers)
	if err != nil {
		return nil, err
	}
	if timeout != 0 {
		head += " timeout=" + spellDuration(timeout)
	}
	answer, err := c.ask(ctx, head, body)
	if err != nil {
		return nil, err
	}
	return &Reply{answer.body, answer.head.headers}, nil
}

// SubscribeOptions of a subscription. The zero value of each is a good one.
type SubscribeOptions struct {
	// For queues: the broker considers a message done when it has sent it.
	// Otherwise each message is to be acknowledged, by Ack or Nak.
	NoAck bool
	// How many messages may be unacknowledged; 1.
	Credit int
	// The time after which an unacknowledged message is delivered to another
	// worker; never.
	Wait time.Duration
	// Yield *Gap and *Missed, too.
	Gaps bool
}

// Subscribe subscribes. In a pattern "*" is one segment, "**" at the end any
// number of segments, "%XX" one octet; see Exact. options may be nil.
func (c *Client) Subscribe(ctx context.Context, text string,
	options *SubscribeOptions) (*Subscription, error) {
	meant, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	if options == nil {
		options = &SubscribeOptions{}
	}
	s := &Subscription{client: c, pattern: meant, gaps: options.Gaps,
		options: map[string]string{}, ready: make(chan struct{}, 1),
		dropping: map[string]*Gap{}}
	if err := s.setOptions(options); err != nil {
		return nil, err
	}
	l, err := c.ready(ctx, "")
	if err != nil {
		return nil, err
	}
	result := make(answers, 1)
	err = c.submitSub(l, s, nil, func(a answer) { result <- a })
	c.mu.Unlock()
	if err == nil {
		_, err = result.wait(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			_ = s.Close() // the answer may still come
		}
		return nil, err
	}
	return s, nil
}

func (s *Subscription) setOptions(options *SubscribeOptions) error {
	if !s.isQueue() || options.NoAck {
		if options.Credit > 0 || options.Wait > 0 {
			return errOnlyQueues
		}
		return nil
	}
	credit := options.Credit
	if credit <= 0 {
		credit = 1
	}
	s.options["ack"], s.options["credit"] = "yes", strconv.Itoa(credit)
	s.order = []string{"ack", "credit"}
	if options.Wait > 0 {
		s.options["wait"] = spellDuration(options.Wait)
		s.order = append(s.order, "wait")
	}
	return nil
}

// submitSub: isSameRun says whether the broker runs since the last connection;
// nil for a new subscription. Mutex locked.
func (c *Client) submitSub(l *link, s *Subscription, isSameRun *bool,
	done func(answer)) error {
	head := "SUB " + s.Pattern()
	for _, name := range s.order {
		head += " " + name + "=" + s.options[name]
	}
	return l.call(head, nil, func(a answer) {
		if a.err == nil {
			c.onSubscribed(l, s, a.head, isSameRun)
		}
		done(a)
	})
}

func (c *Client) onSubscribed(l *link, s *Subscription, h *head,
	isSameRun *bool) {
	if s.isOver { // given up while it was made
		_ = l.call("UNSUB "+s.Pattern(), nil, func(answer) {})
		return
	}
	if s.isNumbered() {
		seq := h.number("seq")
		missed := &Missed{Channel: s.pattern.name}
		if isSameRun != nil && *isSameRun && seq > s.base {
			missed.Count = seq - s.base
		}
		missed.IsKnown = isSameRun == nil || *isSameRun
		if s.gaps && (missed.Count > 0 || !missed.IsKnown) {
			s.put(missed)
		}
		// Earlier messages may still be on their way for another pattern.
		if len(c.readersOf(s.pattern.name)) == 0 {
			l.numbers[s.pattern.name] = seq
		}
		s.base, s.seq = seq, seq
	}
	c.subscriptions[s.Pattern()] = s
	c.live[s.Pattern()] = s
	c.readers = map[string][]*Subscription{}
}

// unsubscribe: messages that arrive from now on are not for it. The numbers of
// channels that no other subscription matches are forgotten.
func (c *Client) unsubscribe(ctx context.Context, s *Subscription) error {
	c.mu.Lock()
	isOurs := c.subscriptions[s.Pattern()] == s
	s.end(nil)
	s.forgetDeliveries()
	if !isOurs {
		c.mu.Unlock()
		return nil
	}
	delete(c.subscriptions, s.Pattern())
	_, wasLive := c.live[s.Pattern()]
	delete(c.live, s.Pattern())
	c.readers = map[string][]*Subscription{}
	l := c.link
	if !wasLive || l.isLost {
		c.mu.Unlock()
		return nil
	}
	for channel := range l.numbers {
		if s.pattern.matches(channel) && len(c.readersOf(channel)) == 0 {
			delete(l.numbers, channel)
		}
	}
	result, err := l.ask("UNSUB "+s.Pattern(), nil)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	answer, err := result.wait(ctx)
	if errors.Is(err, ErrGone) || errors.Is(err, ErrClosed) {
		return nil
	}
	if err == nil && s.isNumbered() {
		c.mu.Lock()
		s.seq = answer.head.number("seq")
		c.mu.Unlock()
	}
	return err
}

// Work subscribes to a pattern of queues and calls do for each message. The
// message is acknowledged if do returns nil, and else returned to its queue for
// a second, with the error as the reason; do may also settle it itself. With a
// Credit of more than one, as many calls run at once. Work returns when ctx ends,
// after the calls have returned, or with the error that ended the subscription.
func (c *Client) Work(ctx context.Context, text string,
	options *SubscribeOptions, do func(*Message) error) error {
	s, err := c.Subscribe(ctx, text, options)
	if err != nil {
		return err
	}
	if !s.acks() {
		s.Close()
		return errors.New("sluice: Work is for queues with acknowledgements")
	}
	c.mu.Lock()
	credit, _ := strconv.Atoi(s.options["credit"])
	c.mu.Unlock()
	var workers sync.WaitGroup
	errs := make(chan error, credit)
	for i := 0; i < credit; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			errs <- s.work(ctx, do)
		}()
	}
	workers.Wait()
	closed := s.Close()
	if err := <-errs; err != nil {
		return err
	}
	return closed
}

func (s *Subscription) work(ctx context.Context,
	do func(*Message) error) error {
	for {
		item, err := s.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		message, is := item.(*Message)
		if !is {
			continue
		}
		failed := do(message)
		if atomic.LoadInt32(&message.isSettled) != 0 {
			continue
		}
		if failed != nil {
			_ = message.Nak(time.Second, failed.Error())
		} else {
			_ = message.Ack()
		}
	}
}
