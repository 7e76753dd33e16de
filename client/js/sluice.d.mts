// SPDX-License-Identifier: MIT
// The types of sluice.mjs, and its contract. Durations are in milliseconds.
import { EventEmitter } from "node:events";

export const version: string;

/**
 * Any octets. Text is UTF-8; in names that come from the broker a lone surrogate
 * U+DC80 to U+DCFF stands for an octet that is not UTF-8, and is understood in
 * names that go there.
 */
export type Name = string | Uint8Array;
export type Body = string | Uint8Array;
/** Names begin with a capital letter. */
export type Headers = Record<string, Name>;

/** The base class of this module's errors. */
export class SluiceError extends Error {}

/** The broker refused a call, which had no effect. */
export class Refused extends SluiceError {
  constructor(code: string, text?: string);
  readonly code: string;
  readonly text: string;
}
/** No subscriber can answer the request. */
export class NoResponder extends Refused {}
/** The request was not answered in time. */
export class RequestTimeout extends Refused {}
/** The delivery, request or subscription is not, or no longer, ours. */
export class Gone extends Refused {}
/** The body exceeds the broker's limit; nothing was sent. */
export class TooBig extends Refused {}

/** The client is closed, or lost its connection and does not reconnect. */
export class Closed extends SluiceError {}
/** The broker said goodbye before it answered: the call had no effect. */
export class NotExecuted extends Closed {}
/** The connection broke before the answer: the call may have had its effect. */
export class OutcomeUnknown extends Closed {}
/** TLS: the broker could not prove who it is. It is not tried again. */
export class Untrusted extends Closed {}

/** The destination of a message. */
export interface Receipt {
  /** Its number; 0n if nothing was subscribed. */
  seq: bigint;
  /** Connections or consumers. */
  subscribers: number;
  /** Subscribers that were too slow for it. */
  dropped: number;
  /** In a queue, its place, 1 is the next; else 0. */
  waiting: number;
  /** With `confirm: "sync"`, of a durable queue. */
  onDisk: boolean;
}

export interface Reply {
  body: Buffer;
  readonly text: string;
  /** The first of each name. */
  headers: Record<string, string>;
}

export interface ConfirmOptions {
  /**
   * Wait for the broker's answer. Without it the call only writes, and a refusal
   * is an event "failure".
   */
  confirm?: boolean;
}

export class Message {
  private constructor();
  readonly channel: string;
  readonly seq: bigint;
  readonly body: Buffer;
  /** The body as UTF-8. */
  readonly text: string;
  /** The first of each name. */
  readonly headers: Record<string, string>;
  /** 1 for the first delivery. */
  readonly tries: number;
  /** Whether it is the first of its channel. */
  readonly isNew: boolean;
  /** Whether it is a request. */
  readonly wantsReply: boolean;
  /** Whether ack() or nak() was called. */
  readonly isSettled: boolean;

  /**
   * The message is done. With `confirm` it rejects with Gone if the message was
   * no longer ours.
   */
  ack(options?: ConfirmOptions): Promise<void>;
  /** Returns it to its queue, for another delivery after `delay` (1000). */
  nak(
    options?: ConfirmOptions & { delay?: number; reason?: Body },
  ): Promise<void>;
  /** Restarts the `wait` clock of the delivery. */
  touch(options?: ConfirmOptions): Promise<void>;
  /** Replies to a request. The first reply counts. */
  reply(
    body?: Body,
    options?: ConfirmOptions & { headers?: Headers },
  ): Promise<void>;
}

/** Messages `first` to `last` of a channel will not be delivered. */
export class Gap {
  private constructor();
  readonly channel: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly count: bigint;
  /** "slow", "memory", ...; "client": no room in the subscription. */
  readonly why: string;
  readonly isNew: boolean;
}

/**
 * Without a connection at most `count` messages were missed; null if the broker
 * was restarted, because then the number is unknown.
 */
export class Missed {
  private constructor();
  readonly channel: string;
  readonly count: bigint | null;
}

/**
 * The messages of a pattern. It survives the loss of the connection. The end of
 * a `for await` loop closes it.
 */
export class Subscription<Item = Message>
  implements AsyncIterableIterator<Item>
{
  private constructor();
  readonly pattern: string;
  /** Whether its messages are to be acknowledged. */
  readonly acks: boolean;
  /** The number of messages reported as lost. */
  readonly lost: bigint;
  /**
   * For a topic by its exact name: the number of its last message when the
   * subscription began and, after close(), when it ended; else null. The
   * difference is the number of messages received plus `lost`.
   */
  readonly seq: bigint | null;
  /** How many items have come and were not taken yet. */
  readonly waiting: number;

  next(): Promise<IteratorResult<Item>>;
  return(value?: unknown): Promise<IteratorResult<Item>>;
  [Symbol.asyncIterator](): this;

  /** Sets how many messages may be unacknowledged; 0 pauses. */
  credit(messages: number): Promise<void>;
  /** Ends it. Messages that are not acknowledged return to their queue. */
  close(): Promise<void>;
}

export interface SubscribeOptions {
  /**
   * For queues. By default a message is acknowledged when the next one is asked
   * for; true: by message.ack(); false: the broker considers a message done when
   * it has sent it.
   */
  ack?: boolean;
  /** How many messages may be unacknowledged; 1. */
  credit?: number;
  /** After this time an unacknowledged message goes to another worker. */
  wait?: number;
  /** Yield Gap and Missed, too. */
  gaps?: boolean;
}

export interface ClientOptions {
  /**
   * "host:port", "[v6]:port" or "unix:PATH", or "tls:host:port"; else
   * $SLUICE_SERVER, else 127.0.0.1:25000.
   */
  server?: string;
  /**
   * True, or options of tls.connect() such as ca, cert and key. Else: if the
   * server begins with "tls:", or $SLUICE_TLS is "yes", with the files of
   * $SLUICE_TLS_CA, _CERT and _KEY.
   */
  tls?: boolean | object;
  /** What the broker must prove to be, if not its host. */
  tlsName?: string;
  /**
   * "sha256:..." of the broker's public key: its name and who has signed it count
   * only if tlsName or an authority is given.
   */
  tlsPin?: string;
  /** Shown in the broker's monitoring. */
  name?: string;
  /** Keepalive period; 0 turns it off. */
  ping?: number;
  /** Who this is: with its password as `secret`. */
  user?: string;
  /**
   * A password; a token, which says by itself who this is; or a private Ed25519
   * key in PEM, which is not sent.
   */
  secret?: Body;
  /**
   * What the secret is: "plain" is a password. By default a password beside a
   * user, and a token without one.
   */
  mech?: "plain" | "token" | "ed25519";
  /** Reconnect when the connection is lost, and subscribe again; true. */
  reconnect?: boolean;
  /** Retry the first connection, too, instead of rejecting; false. */
  patient?: boolean;
  /** Octets of messages that may wait in each subscription; 64 MiB. */
  buffer?: number;
}

export interface Events {
  connected: [{ info: Record<string, string>; isSameRun: boolean }];
  disconnected: [{ isOrderly: boolean }];
  draining: [];
  held: [channel: string];
  released: [channel: string];
  numbersBroken: [{ channel: string; expected: bigint; got: bigint }];
  failure: [error: Refused];
}

/** A connection to a broker, and its successors. */
export class Client extends EventEmitter {
  constructor(options?: ClientOptions);
  /** Limits and other properties of the broker. */
  readonly info: Record<string, string>;

  /** Connects; once. Rejects with an error of the system, Refused or Closed. */
  open(): Promise<this>;
  /**
   * Leaves in an orderly way: all calls before are executed. Messages that are
   * not acknowledged return to their queues. After `timeout` (5000) it leaves
   * in any case.
   */
  close(options?: { timeout?: number }): Promise<void>;

  /**
   * Hands a message to the broker. Waits while the broker takes no more data,
   * while it holds this channel back, and while there is no connection; `signal`
   * ends that wait. With `confirm` it also waits for the receipt; with "sync"
   * that of a durable queue comes when the message is on disk.
   */
  publish(
    channel: Name,
    body: Body | undefined,
    options: {
      confirm: true | "route" | "sync";
      headers?: Headers;
      signal?: AbortSignal;
    },
  ): Promise<Receipt>;
  publish(
    channel: Name,
    body?: Body,
    options?: {
      confirm?: boolean | "route" | "sync";
      headers?: Headers;
      signal?: AbortSignal;
    },
  ): Promise<Receipt | undefined>;

  /**
   * Sends a request and resolves to the first reply. Rejects with NoResponder
   * if there is no subscriber, RequestTimeout if none of them replies within
   * `timeout` (5000).
   */
  request(
    channel: Name,
    body?: Body,
    options?: { headers?: Headers; timeout?: number; signal?: AbortSignal },
  ): Promise<Reply>;

  /**
   * In a pattern "*" is one segment, "**" at the end any number of segments,
   * "%XX" one octet; see exact().
   */
  subscribe(
    pattern: Name,
    options: SubscribeOptions & { gaps: true },
  ): Promise<Subscription<Message | Gap | Missed>>;
  subscribe(
    pattern: Name,
    options?: SubscribeOptions,
  ): Promise<Subscription<Message>>;

  on<E extends keyof Events>(
    event: E,
    listener: (...details: Events[E]) => void,
  ): this;
}

/** new Client(options).open() */
export function connect(options?: ClientOptions | string): Promise<Client>;

/** The pattern that matches this channel only, whatever its name has. */
export function exact(channel: Name): string;
