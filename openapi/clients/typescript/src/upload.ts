import type { Deployment, ManifestFile, MissingBlob, NewDeployment, Operations } from './generated.js';
import { ProblemError } from './problem.js';
import type { RequestOptions } from './sender.js';

const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_BLOBS = 1000;
/** A blob larger than this travels alone, in parts of this size. */
const PART_BYTES = 8 * 1024 * 1024;
const FRAME_HEADER_BYTES = 32 + 8;

/** A file of a site. */
export interface SiteFile {
  /** Where it stands: relative, `/` between names. */
  path: string;
  /** Its bytes; asked for twice when the server lacks them, so that not all files are in memory at once. */
  read: () => Promise<Uint8Array<ArrayBuffer>>;
}

type Signal = Pick<RequestOptions, 'signal'>;

/** Carries out `Miaobu.deployFiles`. */
export async function upload(
  api: Operations,
  project: string,
  site: Iterable<SiteFile> | AsyncIterable<SiteFile>,
  about: Omit<NewDeployment, 'files'>,
  options: Signal,
): Promise<Deployment> {
  const files: ManifestFile[] = [];
  const sources = new Map<string, SiteFile>();
  for await (const file of site) {
    const bytes = await file.read();
    const sha256 = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
    files.push({ path: file.path, sha256, size_bytes: bytes.length });
    sources.set(sha256, file);
  }
  const { data: started } = await api.createDeployment(project, { ...about, files }, options);
  const id = started.deployment.id;
  const read = async (blob: MissingBlob): Promise<Uint8Array<ArrayBuffer>> => {
    const source = sources.get(blob.sha256);
    if (source === undefined) throw new Error(`the server asks for ${blob.sha256}, which no file has`);
    return source.read();
  };
  const large = started.upload.missing.filter((blob) => blob.size_bytes > PART_BYTES);
  const small = started.upload.missing.filter((blob) => blob.size_bytes <= PART_BYTES);
  for (const batch of batches(small)) {
    const frames = [];
    for (const blob of batch) frames.push(frame(blob.sha256, await read(blob)));
    await api.uploadBlobs(id, new Blob(frames.flat()), options);
  }
  for (const blob of large) await sendParts(api, id, blob, await read(blob), options);
  const { data } = await api.finishDeployment(id, options);
  return data;
}

/** Puts blobs together until a request is full. */
export function* batches(blobs: MissingBlob[]): Generator<MissingBlob[], void> {
  let batch: MissingBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (batch.length === BATCH_BLOBS || (batch.length > 0 && bytes + blob.size_bytes > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(blob);
    bytes += blob.size_bytes;
  }
  if (batch.length > 0) yield batch;
}

/** What a batch holds for one blob: its digest, its length as a big-endian number, its bytes. */
export function frame(sha256: string, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  for (let index = 0; index < 32; index += 1) header[index] = Number.parseInt(sha256.slice(index * 2, index * 2 + 2), 16);
  new DataView(header.buffer).setBigUint64(32, BigInt(bytes.length));
  return [header, bytes];
}

async function sendParts(api: Operations, id: number, blob: MissingBlob, bytes: Uint8Array<ArrayBuffer>, options: Signal): Promise<void> {
  let offset = blob.received_bytes;
  while (offset < bytes.length) {
    const part = bytes.subarray(offset, offset + PART_BYTES);
    try {
      const { data } = await api.uploadBlob(id, blob.sha256, part, { offset, ...options });
      offset = data.received_bytes;
      if (data.complete) return;
    } catch (error) {
      // A try whose answer was lost may have arrived: the server knows how far it came.
      if (!(error instanceof ProblemError) || error.code !== 'offset_mismatch') throw error;
      const known = (await api.getUpload(id, options)).data.missing.find((other) => other.sha256 === blob.sha256);
      if (known === undefined) return;
      if (known.received_bytes === offset) throw error;
      offset = known.received_bytes;
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
