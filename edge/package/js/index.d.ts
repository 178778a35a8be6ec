/** A hostname's part of the edge: its route record, and the site blob that the record names. */
export interface Site {
  /** The record as stored, as text or as an object; nothing when the hostname is not known. */
  record?: Uint8Array | ArrayBuffer | string | object | null;
  /** The bytes of the blob; older records and functions have none. */
  blob?: Uint8Array | ArrayBuffer | null;
  /** The blobs, by their keys, of the other deployments that a split or pins of the record lead to. */
  blobs?: Record<string, Uint8Array | ArrayBuffer>;
  /** The shards, by their keys, of those of these sites that are too large for one value; null where the store has none. */
  shards?: Record<string, Uint8Array | ArrayBuffer | null>;
}

/** A request. A `Request` of the platform is one. */
export interface AskedRequest {
  /** The whole URL, as the visitor wrote it. */
  url: string;
  /** GET when absent. */
  method?: string;
  headers?: HeadersInit;
  /** Where the visitor is, two letters. */
  country?: string | null;
  /** The visitor's address. */
  clientAddress?: string | null;
  /** When it is asked, in milliseconds since 1970; now when absent. Pins grow old. */
  now?: number;
}

export type Outcome = "serve" | "not_modified" | "redirect" | "proxy" | "probe" | "refuse";

export type Step =
  | "record"
  | "file"
  | "canonical_url"
  | "redirect_rule"
  | "route_table"
  | "shell"
  | "not_found_page"
  | "error_page"
  | "given_up"
  | "protection"
  | "function"
  | "probe"
  | "platform";

/** Why a request gets its answer. */
export interface Explanation {
  outcome: Outcome;
  /** Null where a function, or what an older record's files turn out to be, says it. */
  status: number | null;
  /** The step of the order that made the answer. */
  step: Step;
  /** The rules that made the answer. */
  rules: Rule[];
  /** A redirect rule for this request that did not apply: a file or a route came first. */
  passed_over: Rule | null;
  /** The route record; null when there is none that can be used. */
  record: RouteRecord | null;
  file: SiteFile | null;
  /** Where a redirect leads. */
  location: string | null;
  /** The URL to which the request is passed on. */
  proxied_to: string | null;
  /** Objects of an older record that are tried in turn. */
  candidates: string[];
  /** The answer's header fields in their order. */
  headers: Header[];
  /** Fields that rules took away. */
  removed_headers: RemovedHeader[];
}

/** Where a rule stands. */
export interface Rule {
  file: "_headers" | "_redirects" | "firebase.json" | "miaobu.json" | "netlify.toml" | "serve.json" | "vercel.json";
  /** Counted from 1; null when it is not known. */
  line: number | null;
}

export interface RouteRecord {
  /** The hostname under which it lies. */
  key: string;
  kind: "static" | "node" | "python";
  project_slug: string;
  deployment_id: number;
  /** Empty for an upload. */
  commit_sha: string;
  /** RFC 3339. */
  updated_at: string;
  /** The key of the site blob; older records have none. */
  site: string | null;
  noindex: boolean;
}

export interface SiteFile {
  /** Its path in the site. */
  path: string;
  /** The key of the object in storage. */
  key: string;
  /** Null when it is sent as it is. */
  coding: "br" | "zstd" | "gzip" | null;
  /** Of the object, in bytes; null when the site does not say. */
  size: number | null;
  /** First and last byte of the part that is sent. */
  range: [number, number] | null;
  with_body: boolean;
}

export interface Header {
  /** Lower case. */
  name: string;
  value: string;
  source: "rule" | "default" | "file" | "request" | "record";
  /** The rules that set it. */
  rules: Rule[];
}

export interface RemovedHeader {
  name: string;
  rules: Rule[];
}

/** A site lies in shards, and its answer takes one that `shards` does not name: read it, and ask again. */
export class MissingShard extends Error {
  /** The key of the shard in the edge's key-value store. */
  readonly key: string;
  constructor(key: string);
}

/**
 * Tells what the edge answers to a request, and why. Throws a TypeError for what is no URL, and a MissingShard; a damaged
 * record, blob or shard is explained like anything else.
 */
export function explain(site: Site, request: string | AskedRequest): Explanation;
