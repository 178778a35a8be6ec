// Where the routine finds its storage. Each setting comes from a function variable, else from a `globalThis.miaobu` object
// in a line put before the one-file bundle when it is published.
//
//   MIAOBU_OBJECTS_URL        object storage, without a trailing slash
//   MIAOBU_KV_NAMESPACE       namespace of the edge KV (miaobu)
//   MIAOBU_KV_KEYS            plain or encoded hostnames as keys (plain)
//   MIAOBU_FUNCTION_TIMEOUT   milliseconds until the head of a function's answer (9500: ESA itself gives up after 10 s)
//   MIAOBU_SUBREQUESTS        how many sub-requests one request may make (4: ESA's own bound, unless it was raised for the account)
//   MIAOBU_DEPLOYMENT_HEADER  off leaves x-miaobu-deployment out (on)
//   MIAOBU_HOT_BODIES         megabytes of small files that an isolate keeps (32: beside 48 of sites that leaves a third of what
//                             ESA gives an isolate), 0 for none
//   MIAOBU_COMPILE            early compiles at the start what few requests need, for a runtime that compiles nothing later;
//                             only in globalThis.miaobu (late)

let last;
let lastEnv;

export function configure(env) {
  if (last && lastEnv === env) return last;
  const setting = (name, otherwise) => env?.[name] ?? globalThis.miaobu?.[name] ?? otherwise;
  lastEnv = env;
  last = {
    objects: setting("MIAOBU_OBJECTS_URL", "").replace(/\/+$/, ""),
    namespace: setting("MIAOBU_KV_NAMESPACE", "miaobu"),
    encodedKeys: setting("MIAOBU_KV_KEYS", "plain") === "encoded",
    functionTimeout: Number(setting("MIAOBU_FUNCTION_TIMEOUT", 9_500)),
    subrequests: Number(setting("MIAOBU_SUBREQUESTS", 4)),
    hotBodies: Number(setting("MIAOBU_HOT_BODIES", 32)) * 2 ** 20,
    deploymentHeader: setting("MIAOBU_DEPLOYMENT_HEADER", "on") !== "off",
  };
  return last;
}
