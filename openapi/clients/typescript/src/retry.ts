import { ProblemError } from './problem.js';

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
/** A server that asks for more patience than this is not waited for. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Whether the same request may succeed later: a connection that broke, a limit that was met, a server that restarts. */
export function isTransient(failure: unknown): boolean {
  if (failure instanceof ProblemError) {
    return [429, 502, 503, 504].includes(failure.status) || failure.code === 'idempotency_key_in_use';
  }
  // `fetch` says TypeError for every connection that fails; an aborted one is a DOMException.
  return failure instanceof TypeError;
}

/** How many milliseconds the server asks to wait, when it does. */
export function retryAfter(failure: unknown): number | undefined {
  if (!(failure instanceof ProblemError)) return undefined;
  const seconds = Number.parseInt(failure.headers.get('retry-after') ?? '', 10);
  return Number.isNaN(seconds) ? undefined : seconds * 1000;
}

/** Counts tries, and waits longer after each. */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly attempts: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** Forgets earlier failures, because something went well. */
  reset(): void {
    this.#failures = 0;
  }

  /** Waits until another try makes sense; throws the failure when none does. */
  async wait(failure: unknown, asked?: number): Promise<void> {
    this.#failures += 1;
    if (this.#failures >= this.attempts || (asked ?? 0) > LONGEST_RETRY_AFTER_MS) throw failure;
    const full = Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
    // Between half of it and all, so that many clients do not come back at once.
    await pause(asked ?? full * (0.5 + Math.random() / 2), this.signal);
  }
}

async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
