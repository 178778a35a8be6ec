import { ProblemError } from './problem.js';
import { Backoff, isTransient, retryAfter } from './retry.js';

/** Bytes that a request can carry, and carry again. */
export type Bytes = Uint8Array<ArrayBuffer> | Blob;

/** How to reach a server. */
export interface ClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** An API token or a session's token. */
  token?: string;
  /** How often a request is tried before its failure is reported; 5 when absent. */
  attempts?: number;
  /** What sends requests, in place of the global `fetch`. */
  fetch?: typeof fetch;
}

/** What every operation can be told. */
export interface RequestOptions {
  /** Ends the request, its tries and its waits. */
  signal?: AbortSignal;
  /** More headers. */
  headers?: Record<string, string>;
  /** Names a POST, so that sent again it is answered again and carried out once; a random one when absent. */
  idempotencyKey?: string;
  /** The `ETag` that the object must still have. */
  ifMatch?: string;
  /** Is shown the answer, with its headers; its body is not to be read. */
  onResponse?: (response: Response) => void;
}

/** What a request carries. */
export interface Content {
  query?: Record<string, string | number | boolean | undefined>;
  json?: unknown;
  bytes?: Bytes;
}

/** Sends requests: again when that can help, and always under one idempotency key. */
export abstract class Sender {
  readonly #baseUrl: string;
  readonly #token: string | undefined;
  readonly #attempts: number;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#token = options.token;
    this.#attempts = options.attempts ?? 5;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** Sends a request and returns the answer, once it is a success. */
  protected async send(method: string, path: string, content: Content, options: RequestOptions): Promise<Response> {
    const url = this.#baseUrl + path + search(content.query);
    const headers = this.#headers(method, content, options);
    const body = content.json === undefined ? content.bytes : JSON.stringify(content.json);
    const backoff = new Backoff(this.#attempts, options.signal);
    for (;;) {
      let failure: unknown;
      try {
        const init: RequestInit = { method, headers, body: body ?? null, redirect: 'error', signal: options.signal ?? null };
        const response = await this.#fetch(url, init);
        if (response.ok) {
          options.onResponse?.(response);
          return response;
        }
        failure = await ProblemError.of(response);
      } catch (error) {
        failure = error;
      }
      if (!isTransient(failure)) throw failure;
      await backoff.wait(failure, retryAfter(failure));
    }
  }

  protected async sendForJson<T>(method: string, path: string, content: Content, options: RequestOptions): Promise<T> {
    const response = await this.send(method, path, content, options);
    return (await response.json()) as T;
  }

  protected async sendForNothing(method: string, path: string, content: Content, options: RequestOptions): Promise<void> {
    const response = await this.send(method, path, content, options);
    await response.body?.cancel();
  }

  #headers(method: string, content: Content, options: RequestOptions): Headers {
    const headers = new Headers({ accept: 'application/json' });
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`);
    if (content.json !== undefined) headers.set('content-type', 'application/json');
    if (content.bytes !== undefined) headers.set('content-type', 'application/octet-stream');
    if (method === 'POST') headers.set('idempotency-key', options.idempotencyKey ?? crypto.randomUUID());
    if (options.ifMatch !== undefined) headers.set('if-match', options.ifMatch);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    return headers;
  }
}

/** One segment of a path. */
export function segment(value: string | number): string {
  return encodeURIComponent(value);
}

function search(query: Content['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}
