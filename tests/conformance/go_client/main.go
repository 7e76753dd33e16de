// SPDX-License-Identifier: MIT

// The program of the suite on top of the library for Go; see ../README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice"
)

var always = context.Background()

var printing sync.Mutex

func say(words ...string) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(strings.Join(words, " "))
}

func spell(octets string) string {
	var b strings.Builder
	for i := 0; i < len(octets); i++ {
		if c := octets[i]; c > 0x20 && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func unspell(text string) string {
	octets, err := url.PathUnescape(text)
	if err != nil {
		panic(err)
	}
	return octets
}

type order struct {
	verb      string
	arguments []string
	options   map[string]string
	headers   []sluice.Header
	tag       string
}

func parse(line string) order {
	words := strings.Split(line, " ")
	o := order{verb: words[0], options: map[string]string{}}
	for _, word := range words[1:] {
		name, value, isPair := strings.Cut(word, "=")
		if !isPair {
			o.arguments = append(o.arguments, word)
		} else if name[0] >= 'A' && name[0] <= 'Z' {
			o.headers = append(o.headers, sluice.Header{Name: name,
				Value: unspell(value)})
		} else {
			o.options[name] = value
		}
	}
	o.tag = o.options["tag"]
	return o
}

func (o order) body() []byte {
	if size, is := o.options["size"]; is {
		return bytes.Repeat([]byte("x"), number(size))
	}
	return []byte(unspell(o.options["body"]))
}

func (o order) duration(name string, usual time.Duration) time.Duration {
	if text, is := o.options[name]; is {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		return d
	}
	return usual
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func tail(headers []sluice.Header, body []byte) (words []string) {
	seen := map[string]bool{}
	for _, h := range headers {
		if !seen[h.Name] {
			words = append(words, h.Name+"="+spell(h.Value))
		}
		seen[h.Name] = true
	}
	return append(words, "body="+spell(string(body)))
}

func codeOf(err error) string {
	var refused *sluice.Refused
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.Is(err, sluice.ErrNotExecuted):
		return "not-done"
	case errors.Is(err, sluice.ErrOutcomeUnknown):
		return "unknown"
	case errors.Is(err, sluice.ErrUntrusted):
		return "untrusted"
	}
	panic(err)
}

func onEvent(event sluice.Event) {
	switch e := event.(type) {
	case sluice.Connected:
		say("open", "run="+e.Info["run"])
	case sluice.Disconnected:
		if e.IsOrderly {
			say("lost", "why=bye")
		} else {
			say("lost", "why=broken")
		}
	case sluice.Draining:
		say("drain")
	case sluice.Held:
		say("hold", sluice.Exact(e.Channel))
	case sluice.Released:
		say("go", sluice.Exact(e.Channel))
	case sluice.NumbersBroken:
		say("wrong", sluice.Exact(e.Channel))
	case sluice.Failure:
		say("err", e.Err.Code)
	}
}

// reader prints what comes for a subscription.
type reader struct {
	*sluice.Subscription
	program  *program
	barriers chan chan struct{}
	mu       sync.Mutex
	stop     context.CancelFunc // of what waits now
}

func (r *reader) next() (sluice.Item, error) {
	ctx, stop := context.WithCancel(always)
	defer stop()
	r.mu.Lock()
	r.stop = stop
	isStopped := len(r.barriers) > 0
	r.mu.Unlock()
	if isStopped {
		stop()
	}
	return r.Next(ctx)
}

func (r *reader) run() {
	for {
		item, err := r.next()
		if err == context.Canceled {
			for r.Waiting() > 0 {
				item, _ := r.Next(always)
				r.show(item)
			}
			close(<-r.barriers)
		} else if err != nil {
			for barrier := range r.barriers {
				close(barrier)
			}
			return
		} else {
			r.show(item)
		}
	}
}

// barrier returns when everything that has come is printed.
func (r *reader) barrier() {
	done := make(chan struct{})
	r.mu.Lock()
	r.barriers <- done
	if r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	<-done
}

func (r *reader) show(item sluice.Item) {
	pattern := r.Pattern()
	switch item := item.(type) {
	case *sluice.Message:
		channel := sluice.Exact(item.Channel)
		words := []string{"msg", pattern, channel, fmt.Sprint(item.Seq)}
		if item.IsNew {
			words = append(words, "new=1")
		}
		if item.Tries > 1 {
			words = append(words, fmt.Sprintf("try=%d", item.Tries))
		}
		if item.WantsReply() {
			words = append(words, "reply=yes")
		}
		r.program.note(channel, item)
		say(append(words, tail(item.Headers, item.Body)...)...)
	case *sluice.Gap:
		words := []string{"gap", pattern, sluice.Exact(item.Channel),
			fmt.Sprint(item.First), fmt.Sprint(item.Last)}
		if item.IsNew {
			words = append(words, "new=1")
		}
		say(append(words, "why="+item.Why)...)
	case *sluice.Missed:
		if item.IsKnown {
			say("missed", pattern, fmt.Sprint(item.Count))
		} else {
			say("missed", pattern)
		}
	}
}

type program struct {
	broker *sluice.Client
	queues map[string]chan order // one publisher for each channel

	mu       sync.Mutex
	readers  map[string]*reader
	messages map[string]*sluice.Message // the last ones, for ack and reply
}

func (p *program) note(channel string, message *sluice.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages[fmt.Sprint(channel, " ", message.Seq)] = message
}

func (p *program) message(o order) *sluice.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messages[strings.Join(o.arguments, " ")]
}

func (p *program) reader(pattern string) *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readers[pattern]
}

// settle prints how a call ended.
func settle(o order, err error, words ...string) {
	if o.tag == "" {
		return
	}
	if err != nil {
		say("err", codeOf(err), "tag="+o.tag)
	} else {
		say(append([]string{"ok", "tag=" + o.tag}, words...)...)
	}
}

func (p *program) sub(o order) {
	pattern := o.arguments[0]
	options := &sluice.SubscribeOptions{Gaps: true,
		NoAck: o.options["ack"] != "yes", Wait: o.duration("wait", 0)}
	if credit, is := o.options["credit"]; is {
		options.Credit = number(credit)
	}
	s, err := p.broker.Subscribe(always, pattern, options)
	if err != nil {
		settle(o, err)
		return
	}
	r := &reader{Subscription: s, program: p,
		barriers: make(chan chan struct{}, 1)}
	p.mu.Lock()
	p.readers[pattern] = r
	p.mu.Unlock()
	settle(o, nil, fmt.Sprint("seq=", s.Seq()))
	go r.run()
}

func (p *program) unsub(o order) {
	r := p.reader(o.arguments[0])
	p.mu.Lock()
	delete(p.readers, o.arguments[0])
	p.mu.Unlock()
	err := r.Close()
	settle(o, err, fmt.Sprint("seq=", r.Seq()))
}

func (p *program) credit(o order) {
	settle(o, p.reader(o.arguments[0]).Credit(always, number(o.arguments[1])))
}

// pub keeps the order of each channel, of messages as well as of receipts.
func (p *program) pub(o order) {
	channel := unspell(o.arguments[0])
	queue := p.queues[channel]
	if queue == nil {
		queue = make(chan order, 1000)
		p.queues[channel] = queue
		receipts := make(chan func(), 1000)
		go p.publishAll(channel, queue, receipts)
		go func() {
			for print := range receipts {
				print()
			}
		}()
	}
	queue <- o
}

func (p *program) publishAll(channel string, queue <-chan order,
	receipts chan<- func()) {
	for o := range queue {
		o := o
		if o.tag == "" {
			_ = p.broker.Publish(always, channel, o.body(), o.headers...)
			continue
		}
		publish := p.broker.PublishAsync
		if o.options["sync"] != "" {
			publish = p.broker.PublishDurable
		}
		pending, err := publish(always, channel, o.body(), o.headers...)
		receipts <- func() {
			if err != nil {
				settle(o, err)
				return
			}
			receipt, err := pending.Wait(always)
			settle(o, err, wordsOf(receipt)...)
		}
	}
}

func wordsOf(receipt sluice.Receipt) []string {
	last := fmt.Sprint("drop=", receipt.Dropped)
	if receipt.Waiting > 0 {
		last = fmt.Sprint("held=", receipt.Waiting)
	}
	words := []string{fmt.Sprint("seq=", receipt.Seq),
		fmt.Sprint("subs=", receipt.Subscribers), last}
	if receipt.OnDisk {
		words = append(words, "sync=1")
	}
	return words
}

func (p *program) req(o order) {
	reply, err := p.broker.Request(always, unspell(o.arguments[0]), o.body(),
		o.duration("timeout", 0), o.headers...)
	if err != nil {
		settle(o, err)
		return
	}
	words := tail(reply.Headers, reply.Body)
	say(append([]string{"rep", "tag=" + o.tag}, words...)...)
}

func (p *program) reply(o order) {
	message := p.message(o)
	if o.tag == "" {
		_ = message.Reply(o.body(), o.headers...)
		return
	}
	settle(o, message.ReplyConfirm(always, o.body(), o.headers...))
}

func (p *program) ack(o order) {
	if o.tag == "" {
		_ = p.message(o).Ack()
		return
	}
	settle(o, p.message(o).AckConfirm(always))
}

func (p *program) touch(o order) {
	if o.tag == "" {
		_ = p.message(o).Touch()
		return
	}
	settle(o, p.message(o).TouchConfirm(always))
}

func (p *program) nak(o order) {
	delay, reason := o.duration("delay", time.Second), string(o.body())
	if o.tag == "" {
		_ = p.message(o).Nak(delay, reason)
		return
	}
	settle(o, p.message(o).NakConfirm(always, delay, reason))
}

// echo is printed behind what has happened.
func (p *program) echo(o order) {
	p.mu.Lock()
	var readers []*reader
	for _, r := range p.readers {
		readers = append(readers, r)
	}
	p.mu.Unlock()
	for _, r := range readers {
		r.barrier()
	}
	say(append([]string{"echo"}, o.arguments...)...)
}

func (p *program) obey(o order) {
	switch o.verb {
	case "sub":
		go p.sub(o)
	case "unsub":
		go p.unsub(o)
	case "credit":
		go p.credit(o)
	case "pub":
		p.pub(o)
	case "req":
		go p.req(o)
	case "reply":
		go p.reply(o)
	case "ack":
		go p.ack(o)
	case "touch":
		go p.touch(o)
	case "nak":
		go p.nak(o)
	case "echo":
		go p.echo(o)
	}
}

func main() {
	broker, err := sluice.Connect(always, &sluice.Options{Name: "suite",
		Patient: true, OnEvent: onEvent, User: os.Getenv("SUITE_USER"),
		Mech:   os.Getenv("SUITE_MECH"),
		Secret: sluice.Secret(os.Getenv("SUITE_SECRET"))})
	if errors.Is(err, sluice.ErrUntrusted) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err != nil {
		say("err", codeOf(err))
		return
	}
	p := &program{broker: broker, queues: map[string]chan order{},
		readers:  map[string]*reader{},
		messages: map[string]*sluice.Message{}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		p.obey(parse(lines.Text()))
	}
	if err := broker.Close(); err != nil {
		panic(err)
	}
}
