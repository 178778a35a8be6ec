-- A token on every request, the paths in turn (PATHS, a line each), and one line of JSON at the end.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

local paths, at = {}, 0
for path in os.getenv("PATHS"):gmatch("[^\n]+") do
  paths[#paths + 1] = path
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    'SUMMARY {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
