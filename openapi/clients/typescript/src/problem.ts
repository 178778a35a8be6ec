import type { FieldProblem, Problem } from './generated.js';

/** The server refused a request, or could not carry it out. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The HTTP status. */
  readonly status: number;
  /** A stable code in snake_case, to decide by; `http_503` and the like when what answered is not this API. */
  readonly code: string;
  /** Every field that was refused. */
  readonly errors: FieldProblem[];
  /** What to do next. */
  readonly hint: string | undefined;
  /** Stands in the server's log beside the request. */
  readonly requestId: string | undefined;
  /** The headers of the answer. */
  readonly headers: Headers;

  constructor(response: Response, problem: Partial<Problem>) {
    const words = problem.detail ?? (response.statusText || 'the server gave no reason');
    super(`${words} (${problem.code ?? response.status})`);
    this.status = response.status;
    this.code = problem.code ?? `http_${response.status}`;
    this.errors = problem.errors ?? [];
    this.hint = problem.hint;
    this.requestId = problem.request_id ?? response.headers.get('x-request-id') ?? undefined;
    this.headers = response.headers;
  }

  /** Reads what an answer says went wrong. */
  static async of(response: Response): Promise<ProblemError> {
    const text = await response.text().catch(() => '');
    return new ProblemError(response, parse(text));
  }
}

function parse(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'code' in value ? (value as Partial<Problem>) : {};
  } catch {
    return {};
  }
}
