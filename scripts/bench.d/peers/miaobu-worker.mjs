// The routine with an edge KV of the same storage.
import routine from './workerd.js';

let storage;

globalThis.EdgeKV = class {
  async get(key) {
    const response = await fetch(`${storage}/kv/${key}`);
    return response.status === 200 ? response.arrayBuffer() : undefined;
  }
};

export default {
  fetch(request, env, context) {
    storage ??= env.STORAGE;
    return routine.fetch(request, context, env);
  },
};
