import { events } from './events.js';
import { Operations, type Deployment, type DeploymentStatus, type LogLine, type NewDeployment } from './generated.js';
import { Backoff, isTransient, retryAfter } from './retry.js';
import { segment, type RequestOptions } from './sender.js';
import { upload, type SiteFile } from './upload.js';

const FINAL: readonly DeploymentStatus[] = ['deployed', 'failed', 'cancelled', 'purged'];
/** How long the server holds an answer back while nothing changes. */
const LONGEST_WAIT_SECONDS = 30;
/** How often a log that brings nothing new is opened again. */
const STREAM_ATTEMPTS = 8;

/** What `followLogs` can be told. */
export interface FollowOptions {
  /** Only lines after the one with this `seq`. */
  after?: number;
  /** Is told when the server dropped lines. */
  onGap?: () => void;
  signal?: AbortSignal;
}

/** A client of the Miaobu API: each operation is a method, and so is what takes several of them. */
export class Miaobu extends Operations {
  /**
   * Deploys files: sends their list, then what the server lacks of them, and queues the deployment. Wait for it with
   * `waitForDeployment`.
   */
  async deployFiles(
    project: string,
    files: Iterable<SiteFile> | AsyncIterable<SiteFile>,
    about: Omit<NewDeployment, 'files'> = {},
    options: Pick<RequestOptions, 'signal'> = {},
  ): Promise<Deployment> {
    return upload(this, project, files, about, options);
  }

  /** Waits until a deployment's status is final, and returns it; look at its `status`. */
  async waitForDeployment(id: number, options: Pick<RequestOptions, 'signal'> = {}): Promise<Deployment> {
    for (;;) {
      const { data } = await this.getDeployment(id, { wait: LONGEST_WAIT_SECONDS, ...options });
      if (FINAL.includes(data.status)) return data;
    }
  }

  /**
   * Follows a deployment's log, line by line, until the deployment ends. A stream that breaks is opened again where it
   * broke off: no line is missed, and none comes twice.
   */
  async *followLogs(id: number, options: FollowOptions = {}): AsyncGenerator<LogLine, void> {
    const backoff = new Backoff(STREAM_ATTEMPTS, options.signal);
    let last = options.after ?? 0;
    for (;;) {
      let failure: unknown = new TypeError('the stream broke off');
      try {
        for await (const { event, data } of events(await this.#openLog(id, last, options.signal))) {
          if (event === 'end') return;
          if (event === 'gap') options.onGap?.();
          if (event !== 'message') continue;
          const line = JSON.parse(data) as LogLine;
          last = line.seq;
          backoff.reset();
          yield line;
        }
      } catch (error) {
        failure = error;
      }
      if (!isTransient(failure)) throw failure;
      await backoff.wait(failure, retryAfter(failure));
    }
  }

  async #openLog(id: number, last: number, signal?: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const headers = { accept: 'text/event-stream', 'last-event-id': String(last) };
    const path = `/api/v1/public/deployments/${segment(id)}/logs`;
    const response = await this.send('GET', path, {}, { headers, ...(signal && { signal }) });
    if (response.body === null) throw new TypeError('the log has no body');
    return response.body;
  }
}
