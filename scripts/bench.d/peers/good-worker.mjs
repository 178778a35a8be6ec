// The good routine by hand as a whole worker: it compiles its site with the first request and asks storage for the file.
import { compile, decide } from './good.mjs';

let site;

export default {
  async fetch(request, env) {
    site ??= compile(await (await fetch(`${env.STORAGE}/manifest`)).text());
    const { url, method, headers: asked } = request;
    const target = url.slice(url.indexOf('/', url.indexOf('://') + 3));
    const { status, key, headers } = decide(site, method, target, asked.get('if-none-match'), asked.get('accept-encoding'));
    if (key === undefined || method === 'HEAD') return new Response(null, { status, headers });
    const stored = await fetch(`${env.STORAGE}/${key}`, { redirect: 'manual' });
    if (stored.status !== 200) return new Response('502', { status: 502 });
    return new Response(stored.body, { status, headers });
  },
};
