export * from './generated.js';
export { Miaobu, type FollowOptions } from './miaobu.js';
export { pages, type Page } from './pages.js';
export { ProblemError } from './problem.js';
export type { Bytes, ClientOptions, RequestOptions } from './sender.js';
export type { SiteFile } from './upload.js';
